// Node strips the types itself; there is no transformer to keep in step with the compiler.
export default {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: {},
  moduleFileExtensions: ['ts', 'js', 'json'],
  coverageProvider: 'babel',
  projects: [
    {
      displayName: 'unit',
      roots: ['api', 'kube', 'operator', 'node-agent', 'hack', 'bench', 'test'],
      ignore: 'test/integration',
    },
    {
      displayName: 'integration',
      roots: ['test/integration'],
      ignore: 'node_modules',
      globalSetup: '<rootDir>/test/integration/global-setup.ts',
      globalTeardown: '<rootDir>/test/integration/global-teardown.ts',
    },
  ].map(({ roots, ignore, ...project }) => ({
    ...project,
    testPathIgnorePatterns: [`<rootDir>/${ignore}/`],
    roots: roots.map((root) => `<rootDir>/${root}`),
    testMatch: ['**/*.test.ts'],
    testEnvironment: 'node',
    extensionsToTreatAsEsm: ['.ts'],
    transform: {},
    moduleFileExtensions: ['ts', 'js', 'json'],
  })),
};
