// Node strips the types itself; there is no transformer to keep in step with the compiler.
export default {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: {},
  moduleFileExtensions: ['ts', 'js', 'json'],
  coverageProvider: 'babel',
  projects: [
    { displayName: 'unit', roots: ['api', 'kube', 'operator', 'node-agent', 'hack', 'test/control-plane', 'test/e2e'] },
    {
      displayName: 'integration',
      roots: ['test/integration'],
      globalSetup: '<rootDir>/test/integration/global-setup.ts',
      globalTeardown: '<rootDir>/test/integration/global-teardown.ts',
    },
  ].map((project) => ({
    ...project,
    roots: project.roots.map((root) => `<rootDir>/${root}`),
    testMatch: ['**/*.test.ts'],
    testEnvironment: 'node',
    extensionsToTreatAsEsm: ['.ts'],
    transform: {},
    moduleFileExtensions: ['ts', 'js', 'json'],
  })),
};
