/** Jest's results as one line a case and a count, for `npm run test:faults`. */
import process from 'node:process';

const MARKS = { passed: 'ok    ', failed: 'FAILED', pending: 'skip  ', todo: 'todo  ' };

// oxlint-disable-next-line import/no-default-export -- jest takes reporters in no other way
export default class FaultsReporter {
  onTestResult(_test, { testResults, testExecError }) {
    for (const { status, ancestorTitles, title, failureMessages } of testResults) {
      process.stdout.write(`${MARKS[status] ?? status} ${[...ancestorTitles, title].join(' · ')}\n`);
      for (const message of failureMessages) process.stdout.write(`${message}\n`);
    }
    if (testExecError) process.stdout.write(`FAILED ${testExecError.message}\n`);
  }

  onRunComplete(_contexts, { numPassedTests, numFailedTests, numRuntimeErrorTestSuites }) {
    process.stdout.write(`${numPassedTests} passed, ${numFailedTests + numRuntimeErrorTestSuites} failed\n`);
  }
}
