import { enableCompileCache, flushCompileCache } from 'node:module';
import { join } from 'node:path';
import { afterAll } from 'vitest';

enableCompileCache(join(import.meta.dirname, '../node_modules/.cache/healthsync'));
// The process of a test file is ended, and does not end.
afterAll(() => flushCompileCache());
