import { expect, test } from 'vitest';
import { createLauncher, examineMachine } from '@runtime-hub/plugin-sdk/hosting';

const aboutPython = async (python?: string) => {
  const launcher = createLauncher({
    minIsolation: 'strong',
    ...(python === undefined ? {} : { python }),
  });
  const findings = await examineMachine({ launcher });
  return findings.find((finding) => finding.check === 'python');
};

test('the doctor starts a jailed Python host and says how long it takes and what it holds', async () => {
  expect(await aboutPython()).toMatchObject({
    ok: true,
    optional: true,
    detail: expect.stringMatching(/^a jailed Python host starts in \d+ ms with \d+ MB$/u),
  });
});

test('the doctor says that there is no Python, and how to get it', async () => {
  expect(await aboutPython('/nowhere/python3')).toMatchObject({
    ok: false,
    optional: true,
    detail: expect.stringContaining('there is no /nowhere/python3'),
    cure: expect.stringContaining('apt-get install python3'),
  });
});
