import { parseArgs } from 'node:util';
import { COMMON_OPTIONS, print, table, type Command } from '../output.ts';
import { packFolder, pluginFolder, writePacked } from '../project.ts';

const HELP = `hub-plugin pack [folder]

Packs the plugin into dist/<namespace>-<name>-<version>.tgz. The same files always give the same bytes, on any machine.
Inside are the bundled code, the manifest made from it, README.md, CHANGELOG.md, LICENSE, icon.svg and what vendor.json
names; nothing else of the folder.`;

export const packCommand: Command = {
  name: 'pack',
  summary: 'pack the plugin into one file',
  help: HELP,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: COMMON_OPTIONS,
      allowPositionals: true,
    });
    const folder = pluginFolder(positionals[0]);
    const packed = await packFolder(folder);
    const file = await writePacked(folder, packed);
    const { digest, files } = packed.artifact;
    const { id, version } = packed.manifest;
    const sizes = [...files].map(([path, bytes]) => ({ path, bytes: bytes.length }));
    const result = { file, id, version, digest, bytes: packed.bytes.length, files: sizes };
    print(result, values.json, () =>
      [
        `Packed ${id} ${version}: ${file}`,
        `  ${String(packed.bytes.length)} bytes, ${digest}`,
        table(sizes.map(({ path, bytes }) => [`  ${path}`, String(bytes)])),
      ].join('\n'),
    );
    return 0;
  },
};
