import { examineMachine, type Finding } from '@runtime-hub/plugin-sdk/hosting';
import { examinePrograms } from './services/process/confinement.ts';

type Examination = Parameters<typeof examineMachine>[0];

/** All that trying shows of this machine: its jail, its screen, and what ends programs. */
export const examineHub = async (examination: Examination): Promise<readonly Finding[]> => [
  ...(await examineMachine(examination)),
  await examinePrograms(),
];
