import { parseArgs } from 'node:util';
import { createLauncher } from '@runtime-hub/plugin-sdk/hosting';
import { examineHub } from '../doctor.ts';
import { plain, type Command } from './output.ts';
import { COMMON_OPTIONS } from './session.ts';

const HELP = `hub doctor [--json]

Looks at this machine by trying: does the jail start, is the network closed inside, does everything in it die with it.
Exit code 0 when everything that is needed works, 1 otherwise.`;

export const doctorCommand: Command = {
  name: 'doctor',
  summary: 'try whether this machine can jail plugins and reach its screen',
  help: HELP,
  async run(args) {
    const { values } = parseArgs({ args: [...args], options: COMMON_OPTIONS });
    const launcher = createLauncher({ minIsolation: 'strong' });
    const findings = await examineHub({ launcher });
    const isHealthy = findings.every((finding) => finding.ok || finding.optional);
    if (values.json) console.log(JSON.stringify({ healthy: isHealthy, findings }));
    for (const finding of values.json ? [] : findings) {
      console.log(
        `${finding.ok ? '✓' : finding.optional ? '–' : '✗'} ${finding.check}: ${plain(finding.detail)}`,
      );
      if (!finding.ok) console.log(`    → ${finding.cure}`);
    }
    return isHealthy ? 0 : 1;
  },
};
