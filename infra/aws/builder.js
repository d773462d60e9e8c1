'use strict';

// Calls infra/build.py. Python is the project's own (.venv), or the one that NEPHOSCOPE_PYTHON names.
const { execFileSync } = require('node:child_process');
const { existsSync } = require('node:fs');
const path = require('node:path');

const root = path.resolve(__dirname, '..', '..');

function python() {
  const own = path.join(root, '.venv', 'bin', 'python');
  return process.env.NEPHOSCOPE_PYTHON || (existsSync(own) ? own : 'python3');
}

exports.build = (...options) => {
  const config = path.resolve(root, process.env.NEPHOSCOPE_CONFIG || 'nephoscope.yaml');
  const command = [path.join(root, 'infra', 'build.py'), '--config', config, ...options];
  try {
    return execFileSync(python(), command, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
  } catch (error) {
    // The builder's own words are all that a person needs here.
    const said = new Error((error.stderr || error.message).trim());
    said.stack = said.message;
    throw said;
  }
};

exports.root = root;
