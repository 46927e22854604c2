/** The walls between the rooms. ARCHITECTURE.md says why each stands. */
const TEST = '\\.(test|contract)\\.ts$|/testing/|test-[a-z-]+\\.ts$';
const DOMAIN = '^server/src/domain/';
const OURS = '^(server|contracts|web|bench|test|scripts)/';

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'domain-is-pure',
      comment: 'The domain decides with plain functions: it imports nothing but itself.',
      severity: 'error',
      from: { path: DOMAIN, pathNot: TEST },
      to: { pathNot: DOMAIN },
    },
    {
      name: 'states-language-is-pure',
      comment: 'The interpreter is a function of definition, execution and event: it imports nothing but itself.',
      severity: 'error',
      from: { path: '^server/src/workflow/language/', pathNot: TEST },
      to: { pathNot: '^server/src/workflow/language/' },
    },
    {
      name: 'ports-know-only-the-domain',
      severity: 'error',
      from: { path: '^server/src/ports/', pathNot: TEST },
      to: { pathNot: '^server/src/(ports|domain)/' },
    },
    {
      name: 'only-apps-choose-adapters',
      comment: 'Rooms ask for ports; which adapter stands behind one is decided in apps/ alone.',
      severity: 'error',
      from: { path: '^server/src/', pathNot: `^server/src/(apps|adapters)/|${TEST}` },
      to: { path: '^server/src/(apps|adapters)/' },
    },
    {
      name: 'adapters-know-no-rooms',
      severity: 'error',
      from: { path: '^server/src/adapters/', pathNot: TEST },
      to: { path: '^server/src/', pathNot: '^server/src/(adapters|ports|domain|telemetry|threads)/' },
    },
    {
      name: 'stages-in-order',
      comment: 'Keeping and judging are separate consumers of the log; neither knows the other.',
      severity: 'error',
      from: { path: '^server/src/vitals/2-keep/', pathNot: TEST },
      to: { path: '^server/src/vitals/[1345]-' },
    },
    {
      name: 'contracts-stand-alone',
      severity: 'error',
      from: { path: '^contracts/' },
      to: { path: '^(server|web|infra)/' },
    },
    {
      name: 'web-talks-by-contract',
      severity: 'error',
      from: { path: '^web/' },
      to: { path: '^server/' },
    },
    {
      name: 'no-circles',
      severity: 'error',
      from: { path: OURS },
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'resolvable',
      comment: 'FHIR comes as types alone: there is no program behind it to resolve.',
      severity: 'error',
      from: { path: OURS },
      to: { couldNotResolve: true, pathNot: '\\?|^fhir/r4' },
    },
  ],
  options: {
    parser: 'swc',
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    // The parser reads no JSX; that pages import nothing of the server is held by test/tidy.test.ts.
    exclude: { path: '(^|/)(dist|node_modules)/|\\.tsx$' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default'],
      extensions: ['.ts', '.tsx', '.js', '.json'],
    },
  },
};
