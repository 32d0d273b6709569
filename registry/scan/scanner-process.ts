import { checkArtifact } from '@runtime-hub/plugin-sdk/check';
import type { ScanRequest } from './scanner.ts';

// The registry is gone: nobody waits for an answer.
process.on('disconnect', () => process.exit(0));
process.on('message', ({ files, manifest, surroundings }: ScanRequest) => {
  process.send?.(checkArtifact({ files }, manifest, surroundings));
});
