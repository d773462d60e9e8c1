'use strict';

// What serverless.yml takes from nephoscope.yaml: the compiled build/deploy.json, and what follows from it for AWS.
const { readFileSync } = require('node:fs');
const path = require('node:path');
const alarms = require('./alarms');
const { policyArns } = require('./arns');
const { build, plainly, root } = require('./builder');

module.exports = () => {
  process.stderr.write(build('--config-only').warnings);
  const deploy = compiled('deploy.json');
  refuse(deploy);
  // Longer than Lambda can use is no use, and longer than the period makes runs overlap.
  const timeout = Math.min(deploy.every, 300) - 5;
  const channel_secrets = secretsOf(compiled('config.json').channels);
  const reads = ['aws', ...deploy.from_aws].join(' ');
  const { names, ...more } = alarms(deploy);
  return {
    ...deploy,
    timeout,
    visibility: 6 * timeout,
    reads,
    channel_secrets,
    policies: policies(deploy),
    alarms: more,
    alarm_names: names.map((name) => `\${each}-${name}`).join(' '),
  };
};

const compiled = (name) => JSON.parse(readFileSync(path.join(root, 'build', name), 'utf8'));

// The secrets that channels name: what a function of another cloud may read of ours. The external ids of AWS accounts
// are none of them.
function secretsOf(channels) {
  const named = (kind) => {
    const references = JSON.stringify(channels).matchAll(new RegExp(`\\$\\{${kind}:([^}#]+)`, 'g'));
    return [...new Set([...references].map(([, name]) => name))].sort();
  };
  return { ssm: named('ssm'), secretsmanager: named('secretsmanager') };
}

// The same, and what is kept in each function's own cloud: AWS's functions find that in Secrets Manager.
const ownSecrets = ({ clouds, secrets }) => {
  const own = clouds.includes('aws') ? secrets['own-cloud'] : [];
  return { ...secrets, secretsmanager: [...new Set([...secrets.secretsmanager, ...own])].sort() };
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
  const arns = policyArns({ ...deploy, secrets: ownSecrets(deploy) });
  const azure = deploy.from_aws.includes('azure'); // Google takes GetCallerIdentity, which everybody may call
  const buckets = deploy.own_account && deploy.resources.includes('bucket');
  return {
    Resources: {
      ...policy('ReadInstances', readers, READ, deploy.own_account ? everything : []),
      ...policy('ReadRegions', ['CollectRole'], ['ec2:DescribeRegions'], deploy.regions.includes('all') ? everything : []),
      ...policy('ListBuckets', readers, ['s3:ListAllMyBuckets'], buckets ? everything : []),
      ...policy('ReadBucketTags', readers, ['tag:GetResources'], buckets && deploy.bucket_tags ? everything : []),
      ...policy('EnterAccounts', readers, ['sts:AssumeRole'], deploy.roles),
      ...policy('ProveToAzure', readers, ['sts:GetWebIdentityToken'], azure ? everything : [], FOR_AZURE),
      ...policy('ReadParameters', senders, ['ssm:GetParameter'], arns.ssm),
      ...policy('ReadSecrets', senders, ['secretsmanager:GetSecretValue'], arns.secretsmanager),
      ...policy('TellTopics', senders, ['sns:Publish'], arns.topics),
    },
  };
}

// Tokens of five minutes, for Entra's exchange and nobody else (shared/nephoscope/clouds/aws/identity.py).
const FOR_AZURE = {
  'ForAllValues:StringEquals': { 'sts:IdentityTokenAudience': ['api://AzureADTokenExchange'] },
  StringEquals: { 'sts:SigningAlgorithm': 'RS256' },
  NumericLessThanEquals: { 'sts:DurationSeconds': '300' },
};

const READ = ['ec2:DescribeInstances', 'ec2:DescribeInstanceStatus', 'cloudwatch:GetMetricData', 'cloudwatch:ListMetrics'];

function policy(name, roles, Action, Resource, Condition) {
  if (Resource.length === 0) return {};
  const statement = { Effect: 'Allow', Action, Resource, ...(Condition && { Condition }) };
  const PolicyDocument = { Version: '2012-10-17', Statement: [statement] };
  const Properties = { PolicyName: name, Roles: roles.map((Ref) => ({ Ref })), PolicyDocument };
  return { [name]: { Type: 'AWS::IAM::Policy', Properties } };
}
