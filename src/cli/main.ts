#!/usr/bin/env node
import { endOnBrokenOutput } from '../terminal/output.js';
import { dispatch } from './dispatch.js';

endOnBrokenOutput();

process.exitCode = await dispatch(process.argv.slice(2));
