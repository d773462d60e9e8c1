'use strict';

// The roles by which the functions of Google Cloud and Azure enter AWS without a key, and what each may do there: write
// metrics to our namespace, remember what is theirs, tell whom the configuration names, read those channels' secrets.
// A token is let in only if each of its claims is the one that step 1 made (build/identities.json).
const { policyArns } = require('./arns');

// facts: build/deploy.json and what facts.js adds. identities: by cloud; one that is not there yet gets no role.
exports.federation = (facts, identities, name) => {
  const clouds = facts.clouds.filter((cloud) => ENTRANCES[cloud] && identities[cloud]);
  const parts = clouds.map((cloud) => entrance(cloud, facts, identities[cloud], name));
  return {
    Resources: Object.assign({}, ...parts.map((part) => part.Resources)),
    Outputs: Object.assign({}, ...parts.map((part) => part.Outputs)),
  };
};

exports.federated = (clouds) => clouds.filter((cloud) => ENTRANCES[cloud]);

// Google's tokens need no provider of ours: IAM knows accounts.google.com. Its key `aud` is the token's azp (the service
// account's number), `oaud` is the token's aud (the word of our choice), `sub` the number again.
// Source: IAM user guide, "Available keys for AWS OIDC federation".
const ENTRANCES = {
  gcp: ({ unique_id: number, audience }) => ({
    principal: 'accounts.google.com',
    claims: {
      'accounts.google.com:aud': number,
      'accounts.google.com:oaud': audience,
      'accounts.google.com:sub': number,
    },
    resources: {},
  }),
  // The trailing slash is part of the issuer, and so of the keys.
  azure: ({ tenant_id: tenant, principal_id: identity, audience }) => {
    const issuer = `sts.windows.net/${tenant}/`;
    return {
      principal: { Ref: 'AzureTenant' },
      claims: { [`${issuer}:aud`]: audience, [`${issuer}:sub`]: identity },
      resources: {
        AzureTenant: {
          Type: 'AWS::IAM::OIDCProvider',
          Properties: { Url: `https://${issuer}`, ClientIdList: [audience] },
        },
      },
    };
  },
};

function entrance(cloud, facts, identity, name) {
  const missing = Object.entries(ENTRANCES[cloud](identity).claims).find(([, value]) => !value);
  if (missing) throw new Error(`build/identities.json has nothing for ${missing[0]}`);
  const { principal, claims, resources } = ENTRANCES[cloud](identity);
  const role = `${cloud[0].toUpperCase()}${cloud.slice(1)}Role`;
  return {
    Resources: {
      ...resources,
      [role]: {
        Type: 'AWS::IAM::Role',
        Properties: {
          RoleName: `${name}-${facts.region}-${cloud}`,
          Description: `nephoscope's functions in ${cloud} publish, remember and tell as this role`,
          MaxSessionDuration: 3600,
          AssumeRolePolicyDocument: document([
            {
              Effect: 'Allow',
              Principal: { Federated: principal },
              Action: 'sts:AssumeRoleWithWebIdentity',
              Condition: { StringEquals: claims },
            },
          ]),
          Policies: [{ PolicyName: cloud, PolicyDocument: document(permissions(cloud, facts)) }],
        },
      },
    },
    Outputs: { [`${role}Arn`]: { Description: `What the functions in ${cloud} become`, Value: att(role) } },
  };
}

function permissions(cloud, facts) {
  const own = [`${cloud}#*`, `registry#${cloud}`, `heartbeat#${cloud}`];
  const { ssm, secretsmanager, topics } = policyArns({ ...facts, secrets: facts.channel_secrets });
  return [
    {
      Effect: 'Allow',
      Action: 'cloudwatch:PutMetricData',
      Resource: '*', // IAM knows no narrower resource
      Condition: { StringEquals: { 'cloudwatch:namespace': facts.namespace } },
    },
    {
      Effect: 'Allow',
      Action: ['dynamodb:GetItem', 'dynamodb:Query', 'dynamodb:PutItem', 'dynamodb:DeleteItem'],
      Resource: att('Table'),
      Condition: { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': own } },
    },
    {
      Effect: 'Allow', // each cloud's functions look whether the others' still run
      Action: 'dynamodb:GetItem',
      Resource: att('Table'),
      Condition: { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['heartbeat#*'] } },
    },
    ...allow('sns:Publish', topics),
    ...allow('ssm:GetParameter', ssm),
    ...allow('secretsmanager:GetSecretValue', secretsmanager),
  ];
}

const allow = (Action, Resource) => (Resource.length ? [{ Effect: 'Allow', Action, Resource }] : []);
const document = (Statement) => ({ Version: '2012-10-17', Statement });
const att = (name) => ({ 'Fn::GetAtt': [name, 'Arn'] });
