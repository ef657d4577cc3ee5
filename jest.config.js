/** Tests run the TypeScript sources as ES modules; processes under test run from dist, which `npm test` builds first. */
export default {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  // These need Chromium and Prometheus: `npm run test:browser`, `npm run test:prometheus`.
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/browser/', '<rootDir>/test/prometheus/'],
  // A hang is what this is for; a busy machine is not a failure.
  testTimeout: 180_000,
  maxWorkers: '100%',
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '^.+\\.ts$': ['@swc/jest', { jsc: { target: 'es2023', parser: { syntax: 'typescript' } }, module: { type: 'es6' } }] },
};
