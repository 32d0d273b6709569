import { parseArgs } from 'node:util';
import { RULES, formerOf } from '../../check/index.ts';
import {
  COMMON_OPTIONS,
  findingCounts,
  findingLines,
  print,
  table,
  type Command,
} from '../output.ts';
import { check, packedFrom } from '../project.ts';

const HELP = `hub-plugin check [folder | artifact.tgz] [--former <artifact.tgz>]
hub-plugin check --rules

Packs the plugin in memory and applies the very rules a registry applies. Each finding has a rule, a place and a cure:
  error    a registry refuses it
  review   a registry holds it until a person has looked
  advice   only told
--former   the version before this one, to see what would break for its users
--rules    the table of all rules
Exit code 1 when there is an error.`;

export const checkCommand: Command = {
  name: 'check',
  summary: 'apply the rules of the registry, before it does',
  help: HELP,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: {
        ...COMMON_OPTIONS,
        former: { type: 'string' },
        rules: { type: 'boolean', default: false },
      },
      allowPositionals: true,
    });
    if (values.rules) {
      printRules(values.json);
      return 0;
    }
    const packed = await packedFrom(positionals[0]);
    const former = values.former === undefined ? [] : [(await packedFrom(values.former)).manifest];
    const followed = formerOf(former, packed.manifest.version);
    const findings = check(packed, followed === undefined ? {} : { former: followed });
    const { id, version } = packed.manifest;
    print({ id, version, findings }, values.json, () => {
      const counts = `${id} ${version}: ${findingCounts(findings)}.`;
      return findings.length === 0 ? counts : `${findingLines(findings)}\n\n${counts}`;
    });
    return findings.some((it) => it.severity === 'error') ? 1 : 0;
  },
};

function printRules(asJson: boolean): void {
  const rules = RULES.map(({ id, severity, doc, cure }) => ({ id, severity, doc, cure }));
  print({ rules }, asJson, () =>
    table([
      ['RULE', 'SEVERITY', 'WHY'],
      ...rules.map(({ id, severity, doc }) => [id, severity, doc]),
    ]),
  );
}
