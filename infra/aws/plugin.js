'use strict';

// Builds the artifacts before they are packaged, so that `osls deploy` alone is enough; and, where the configuration
// names Google Cloud or Azure, carries their deployment too: identities, the AWS stack, functions (infra/terraform).
const { build, plainly } = require('./builder');
const { federated, federation } = require('./federation');
const { identities, step, writeStack } = require('./terraform');

module.exports = class Deployment {
  constructor(serverless, options, { log }) {
    Object.assign(this, { serverless, options, log });
    this.hooks = {
      'before:package:initialize': () => this.package(),
      'before:deploy:deploy': () => this.refuseOldPackage(),
      'after:deploy:deploy': () => this.makeFunctions(),
      'before:remove:remove': () => this.removeFunctions(),
      'after:remove:remove': () => this.removeIdentities(),
    };
  }

  get facts() {
    return this.serverless.service.custom.facts;
  }

  get name() {
    return this.serverless.service.custom.name;
  }

  get alone() {
    return federated(this.facts.clouds).length === 0;
  }

  get deploying() {
    return this.serverless.processedInput.commands.join(' ') === 'deploy';
  }

  async package() {
    this.log.notice(build().out);
    if (this.alone) return;
    if (this.deploying) {
      await this.check();
      step('identities', this.name);
    } else {
      this.log.notice(step('plan', this.name, 'quietly'));
    }
    this.trust(identities());
  }

  // The roles that let the other clouds in. Without their identities (`osls package` before the first deployment) the
  // template has none.
  trust(known) {
    const { resources } = this.serverless.service;
    const { Resources, Outputs } = federation(this.facts, known, this.name);
    Object.assign(resources.Resources, Resources);
    Object.assign(resources.Outputs, Outputs);
  }

  // All that can be told before anything is touched: Terraform, homes, and credentials for all three.
  async check() {
    step('check', this.name);
    try {
      await this.serverless.getProvider('aws').getAccountId();
    } catch (error) {
      throw plainly(`AWS: ${error.message}`);
    }
  }

  refuseOldPackage() {
    if (this.alone || !this.options.package) return;
    throw plainly('osls deploy --package knows no identities in Google Cloud and Azure; deploy without it');
  }

  async makeFunctions() {
    if (this.alone) return;
    await this.noteStack();
    step('functions', this.name);
  }

  async removeFunctions() {
    if (this.alone) return;
    await this.check();
    build();
    try {
      await this.noteStack();
    } catch (error) {
      const rest = 'what is left elsewhere: python -m infra.terraform.steps remove-identities';
      throw plainly(`the AWS stack cannot be read: ${error.message}; ${rest}`);
    }
    step('remove-functions', this.name);
  }

  removeIdentities() {
    if (!this.alone) step('remove-identities', this.name);
  }

  async noteStack() {
    // The SDK is the framework's own.
    const { CloudFormationClient, DescribeStacksCommand } = require('@aws-sdk/client-cloudformation');
    const aws = this.serverless.getProvider('aws');
    const cloudFormation = new CloudFormationClient(await aws.getAwsSdkV3Config());
    const { Stacks } = await cloudFormation.send(new DescribeStacksCommand({ StackName: aws.naming.getStackName() }));
    const outputs = Object.fromEntries(Stacks[0].Outputs.map((each) => [each.OutputKey, each.OutputValue]));
    writeStack(this.facts, await aws.getAccountId(), outputs);
  }
};
