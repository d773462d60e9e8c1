'use strict';

// The ARNs of what the configuration names: secrets, and topics to publish to.
const sub = (text) => ({ 'Fn::Sub': text });
const here = '${AWS::Region}:${AWS::AccountId}';
const parameterArn = (name) => sub(`arn:\${AWS::Partition}:ssm:${here}:parameter/${name.replace(/^\//, '')}`);
// Secrets Manager adds a hyphen and six characters to a secret's name.
const secretArn = (name) => sub(`arn:\${AWS::Partition}:secretsmanager:${here}:secret:${name}-??????`);

exports.policyArns = ({ secrets, stack, topics }) => ({
  ssm: secrets.ssm.map(parameterArn),
  secretsmanager: secrets.secretsmanager.map(secretArn),
  topics: [...stack.map((Ref) => ({ Ref })), ...topics],
});
