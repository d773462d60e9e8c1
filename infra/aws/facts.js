'use strict';

// What serverless.yml takes from nephoscope.yaml: the compiled build/deploy.json, and what follows from it for AWS.
const { readFileSync } = require('node:fs');
const path = require('node:path');
const { build, root } = require('./builder');

module.exports = () => {
  build('--config-only');
  const deploy = JSON.parse(readFileSync(path.join(root, 'build', 'deploy.json'), 'utf8'));
  // Longer than Lambda allows is no use; longer than the period only makes runs overlap.
  const timeout = Math.min(Math.max(deploy.every, 60), 300) - 5;
  return { ...deploy, timeout, visibility: 6 * timeout, policies: policies(deploy) };
};

// The permissions that the configuration asks for, each on the roles that use it; none is left empty.
function policies(deploy) {
  const readers = ['CollectRole', 'WorkRole'];
  const senders = [...readers, 'DeliverRole'];
  const Resources = {
    ...policy('EnterAccounts', readers, ['sts:AssumeRole'], deploy.roles),
    ...policy('ReadParameters', senders, ['ssm:GetParameter'], deploy.secrets.ssm.map(parameterArn)),
    ...policy('ReadSecrets', senders, ['secretsmanager:GetSecretValue'], deploy.secrets.secretsmanager.map(secretArn)),
    ...policy('TellTopics', senders, ['sns:Publish'], deploy.topics),
    ...policy('ListBuckets', readers, ['s3:ListAllMyBuckets'], deploy.resources.includes('bucket') ? ['*'] : []),
  };
  return { Resources };
}

function policy(name, roles, Action, Resource) {
  if (Resource.length === 0) return {};
  const Statement = [{ Effect: 'Allow', Action, Resource }];
  const Properties = {
    PolicyName: name,
    Roles: roles.map((Ref) => ({ Ref })),
    PolicyDocument: { Version: '2012-10-17', Statement },
  };
  return { [name]: { Type: 'AWS::IAM::Policy', Properties } };
}

const here = 'arn:${AWS::Partition}:';
const parameterArn = (name) => ({
  'Fn::Sub': `${here}ssm:\${AWS::Region}:\${AWS::AccountId}:parameter/${name.replace(/^\//, '')}`,
});
// Secrets Manager adds a hyphen and six characters to a secret's name; an ARN is taken as it is.
const secretArn = (name) =>
  name.startsWith('arn:')
    ? name
    : { 'Fn::Sub': `${here}secretsmanager:\${AWS::Region}:\${AWS::AccountId}:secret:${name}-??????` };
