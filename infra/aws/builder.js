'use strict';

// Calls infra/build.py. Python is the project's own (.venv), or the one that NEPHOSCOPE_PYTHON names.
const { spawnSync } = require('node:child_process');
const { existsSync } = require('node:fs');
const path = require('node:path');

exports.root = path.resolve(__dirname, '..', '..');

exports.python = () => {
  const own = path.join(exports.root, '.venv', 'bin', 'python');
  return process.env.NEPHOSCOPE_PYTHON || (existsSync(own) ? own : 'python3');
};

// An error that is the builder's own words, and no stack of ours.
exports.plainly = (words) => Object.assign(new Error(words), { stack: words });

// What it said: { out, warnings }.
exports.build = (...options) => {
  const config = path.resolve(exports.root, process.env.NEPHOSCOPE_CONFIG || 'nephoscope.yaml');
  const command = [path.join(exports.root, 'infra', 'build.py'), '--config', config, ...options];
  const done = spawnSync(exports.python(), command, { encoding: 'utf8' });
  if (done.error) throw exports.plainly(`${exports.python()}: ${done.error.message}`);
  if (done.status !== 0) throw exports.plainly(done.stderr.trim());
  return { out: done.stdout.trim(), warnings: done.stderr };
};
