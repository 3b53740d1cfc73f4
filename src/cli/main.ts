#!/usr/bin/env node
import { dispatch } from './dispatch.js';

// `warmstep kernels --print | head` closes the pipe early: that is not an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

process.exitCode = await dispatch(process.argv.slice(2));
