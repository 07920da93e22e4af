import { availableParallelism } from 'node:os';

// Node strips the types itself; there is no transformer to keep in step with the compiler.
export default {
  // Tests wait for leases and processes more than they compute, so two at a time also where there are two cores.
  maxWorkers: Math.max(2, availableParallelism() - 1),
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
