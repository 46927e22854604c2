/** What the lock file says of everything that is installed, and whether it may be. */
export interface LockFile {
  readonly lockfileVersion: number;
  readonly packages: Readonly<Record<string, LockedPackage>>;
}

interface LockedPackage {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly license?: string;
  readonly link?: boolean;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly hasInstallScript?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

export interface DependencyRules {
  /** SPDX expressions as packages write them. */
  readonly licences: readonly string[];
  /** Besides, of what is only built and tested with. */
  readonly licencesOfTools: readonly string[];
  /** By name, and why. */
  readonly licencesOf: Readonly<Record<string, string>>;
  /** Whose scripts may run at installation: patterns of names. */
  readonly installScripts: readonly RegExp[];
}

/** Everything that is wrong with it, in words. */
export function lockProblems({ lockfileVersion, packages }: LockFile, rules: DependencyRules): readonly string[] {
  const installed = Object.entries(packages).filter(([path, { link }]) => path.includes('node_modules/') && !link);
  const ours = Object.entries(packages).filter(([path]) => !path.includes('node_modules/'));
  return [
    ...(lockfileVersion === 3 ? [] : [`a lock file of version ${lockfileVersion}: 3 is read here`]),
    ...installed.flatMap(([path, one]) => packageProblems(nameOf(path), one, rules)),
    ...ours.flatMap(([path, one]) => wishProblems(path, one)),
  ];
}

function packageProblems(name: string, one: LockedPackage, rules: DependencyRules): string[] {
  const problems: string[] = [];
  // What cannot be installed here has no licence in the lock file; it is judged where it can.
  const hasIntegrity = /^sha512-[A-Za-z0-9+/]{86}==$/.test(one.integrity ?? '');
  if (!hasIntegrity) problems.push(`${name}: without a SHA-512 of what is installed`);
  if (one.resolved !== undefined) problems.push(`${name}: from ${one.resolved}, not from the registry that is set`);
  if (one.hasInstallScript === true && !rules.installScripts.some((known) => known.test(name)))
    problems.push(`${name}: runs a script at installation`);
  const isLicensed =
    rules.licences.includes(one.license ?? '') ||
    (one.dev === true && rules.licencesOfTools.includes(one.license ?? '')) ||
    rules.licencesOf[name] !== undefined;
  if (!isLicensed) problems.push(`${name}: licence ${one.license ?? 'unknown'}`);
  return problems;
}

/** What we ask for ourselves is one version from the registry: no range, no address, no folder. */
function wishProblems(path: string, { dependencies, devDependencies, optionalDependencies }: LockedPackage): string[] {
  return Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies })
    .filter(([, wish]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(wish))
    .map(([name, wish]) => `${path || 'package.json'}: ${name} ${wish} is not one version`);
}

const nameOf = (path: string): string => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);

/** As `npm audit --json` says it, of version 2. */
export interface AuditReport {
  readonly vulnerabilities?: Readonly<
    Record<string, { readonly severity: string; readonly via: readonly (string | Advisory)[] }>
  >;
}

interface Advisory {
  readonly url?: string;
  readonly title?: string;
  readonly severity?: string;
}

/** Known weaknesses that are high or worse, each once; undefined: the registry did not answer the question. */
export function grave(report: AuditReport): readonly string[] | undefined {
  if (report.vulnerabilities === undefined) return undefined;
  const found = Object.entries(report.vulnerabilities).flatMap(([name, { via }]) =>
    via
      .filter((one): one is Advisory => typeof one === 'object')
      .filter(({ severity }) => severity === 'high' || severity === 'critical')
      .map(({ title = 'untitled', url = '', severity }) => `${name}: ${severity}, ${title} ${url}`.trim()),
  );
  return [...new Set(found)];
}
