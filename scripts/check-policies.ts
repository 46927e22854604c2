/** The access policies against their schema, strictly, and in their form: a part of `npm run check`. */
import { lintPolicies } from '../server/src/access/policy-files.ts';

const problems = lintPolicies();
for (const problem of problems) process.stdout.write(`${problem}\n`);
if (problems.length > 0) process.exitCode = 1;
