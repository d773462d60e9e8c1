'use strict';

// The steps outside AWS, and the two files by which they and the AWS stack know of each other.
const { spawnSync } = require('node:child_process');
const { existsSync, readFileSync, writeFileSync } = require('node:fs');
const path = require('node:path');
const { plainly, python, root } = require('./builder');

const place = (name) => path.join(root, 'build', name);

// One step of infra/terraform/steps.py. Terraform's own words go to the terminal as they come; `quietly` gives the
// step's answer back instead.
exports.step = (command, name, quietly) => {
  const words = ['-m', 'infra.terraform.steps', command, '--name', name, '--build', path.join(root, 'build')];
  const stdio = ['ignore', 'pipe', quietly ? 'pipe' : 'inherit'];
  const env = { ...process.env, PYTHONPATH: path.join(root, 'shared') };
  const done = spawnSync(python(), words, { cwd: root, encoding: 'utf8', env, stdio });
  if (done.error) throw plainly(`${python()}: ${done.error.message}`);
  if (done.status !== 0) throw plainly(`${command}: ${(done.stderr || '').trim() || 'it failed; its words are above'}`);
  return done.stdout.trim();
};

// Who the functions are, by cloud; nobody yet, before the first deployment.
exports.identities = () =>
  existsSync(place('identities.json')) ? JSON.parse(readFileSync(place('identities.json'), 'utf8')) : {};

exports.writeStack = (facts, account, outputs) => {
  const stack = {
    account,
    region: facts.region,
    table: outputs.TableName,
    topic: outputs.AlertTopicArn,
    roles: { gcp: outputs.GcpRoleArn || null, azure: outputs.AzureRoleArn || null },
  };
  writeFileSync(place('stack.json'), `${JSON.stringify(stack, null, 1)}\n`);
};
