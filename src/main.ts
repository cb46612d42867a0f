#!/usr/bin/env node
import { processIo } from './cli/io.ts';
import { run } from './cli/program.ts';

// Set rather than exited with, so that output that is still on its way to a pipe gets there.
process.exitCode = await run(process.argv.slice(2), processIo());
