'use strict';

// Builds the artifact before it is packaged, so that `osls deploy` alone is enough.
const { build } = require('./builder');

module.exports = class Artifact {
  constructor(serverless, options, { log }) {
    this.hooks = { 'before:package:initialize': () => log.notice(build().out) };
  }
};
