'use strict';

// What serverless.yml takes from nephoscope.yaml: the compiled build/deploy.json, and what follows from it for AWS.
const { readFileSync } = require('node:fs');
const path = require('node:path');
const { build, plainly, root } = require('./builder');

module.exports = () => {
  process.stderr.write(build('--config-only').warnings);
  const deploy = JSON.parse(readFileSync(path.join(root, 'build', 'deploy.json'), 'utf8'));
  refuse(deploy);
  // Longer than Lambda can use is no use, and longer than the period makes runs overlap.
  const timeout = Math.min(deploy.every, 300) - 5;
  return { ...deploy, timeout, visibility: 6 * timeout, policies: policies(deploy) };
};

// What is well on a person's machine, and would fail in a function at the first alert.
function refuse(deploy) {
  const [variable] = deploy.secrets.env;
  if (variable) {
    throw plainly(
      `\${env:${variable}}: the functions have no such variable, for a value in the template would be no secret. ` +
        'Keep it in Parameter Store or Secrets Manager: ${ssm:/...} or ${secretsmanager:...}'
    );
  }
  const unknown = deploy.stack.find((name) => name !== 'AlertTopic');
  if (unknown) throw plainly(`\${stack:${unknown}}: the deployment makes no ${unknown}; it makes AlertTopic`);
}

// The permissions that the configuration asks for, each on the roles that use it; what is not asked for is not there.
function policies(deploy) {
  const readers = ['CollectRole', 'WorkRole'];
  const senders = [...readers, 'DeliverRole'];
  const everything = ['*']; // IAM knows no narrower resource for these actions
  const buckets = deploy.own_account && deploy.resources.includes('bucket');
  return {
    Resources: {
      ...policy('ReadInstances', readers, READ, deploy.own_account ? everything : []),
      ...policy('ReadRegions', ['CollectRole'], ['ec2:DescribeRegions'], deploy.regions.includes('all') ? everything : []),
      ...policy('ListBuckets', readers, ['s3:ListAllMyBuckets'], buckets ? everything : []),
      ...policy('ReadBucketTags', readers, ['tag:GetResources'], buckets && deploy.bucket_tags ? everything : []),
      ...policy('EnterAccounts', readers, ['sts:AssumeRole'], deploy.roles),
      ...policy('ReadParameters', senders, ['ssm:GetParameter'], deploy.secrets.ssm.map(parameterArn)),
      ...policy('ReadSecrets', senders, ['secretsmanager:GetSecretValue'], deploy.secrets.secretsmanager.map(secretArn)),
      ...policy('TellTopics', senders, ['sns:Publish'], [...deploy.stack.map((Ref) => ({ Ref })), ...deploy.topics]),
    },
  };
}

const READ = ['ec2:DescribeInstances', 'ec2:DescribeInstanceStatus', 'cloudwatch:GetMetricData', 'cloudwatch:ListMetrics'];

function policy(name, roles, Action, Resource) {
  if (Resource.length === 0) return {};
  const PolicyDocument = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action, Resource }] };
  const Properties = { PolicyName: name, Roles: roles.map((Ref) => ({ Ref })), PolicyDocument };
  return { [name]: { Type: 'AWS::IAM::Policy', Properties } };
}

const sub = (text) => ({ 'Fn::Sub': text });
const here = '${AWS::Region}:${AWS::AccountId}';
const parameterArn = (name) => sub(`arn:\${AWS::Partition}:ssm:${here}:parameter/${name.replace(/^\//, '')}`);
// Secrets Manager adds a hyphen and six characters to a secret's name.
const secretArn = (name) => sub(`arn:\${AWS::Partition}:secretsmanager:${here}:secret:${name}-??????`);
