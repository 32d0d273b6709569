import fc from 'fast-check';
import type { Json } from '@runtime-hub/plugin-sdk/contract';
import { describe, expect, it } from 'vitest';
import { runData } from './run-data.ts';

const invalid = (at: string, message: RegExp) => ({
  code: 'STEP_INPUT_INVALID',
  data: { problems: [{ at, message: expect.stringMatching(message) as string }] },
});

describe('parse-csv', () => {
  const parse = (text: string, config: object = {}) => runData('parse-csv', config, { text });

  it('gives rows by the names of the first', async () => {
    const text = '\u{FEFF}id,name\r\n1,"Ada ""the first"", of all"\r\n2,"two\nlines"\n\n3,\r\n';
    expect(await parse(text)).toEqual({
      rows: [
        { id: '1', name: 'Ada "the first", of all' },
        { id: '2', name: 'two\nlines' },
        { id: '3', name: '' },
      ],
      columns: ['id', 'name'],
      count: 3,
    });
  });

  it('takes columns as numbers when told', async () => {
    const config = { delimiter: ';', numbers: ['n'] };
    const { rows } = await parse('n;zip\n1.5;00501\n;x\n-2e3;y', config);
    const expected = [
      { n: 1.5, zip: '00501' },
      { n: null, zip: 'x' },
      { n: -2000, zip: 'y' },
    ];
    expect(rows).toEqual(expected);
  });

  it('gives lists without a header', async () => {
    const { rows, columns } = await parse('1\t2\r3\t', { header: false, delimiter: '\t' });
    expect({ rows, columns }).toEqual({
      rows: [
        ['1', '2'],
        ['3', ''],
      ],
      columns: [],
    });
    expect(await parse('')).toEqual({ rows: [], columns: [], count: 0 });
  });

  it.each([
    ['a,b\n1,2\n3', /1 cells instead of 2 at line 3, column 1/u],
    ['a,b\n1,"s3cr3t', /line 2, column 3: a quote that is never closed/u],
    ['a\nx"s3cr3t"', /line 2, column 2: a quote inside a cell/u],
    ['a\n"x"s3cr3t', /line 2, column 4: text after the quote/u],
    ['a\n1\0', /line 2, column 2: a NUL character/u],
    ['a,a\n1,2', /names two columns alike at line 1/u],
    ['__proto__\n1', /“__proto__”/u],
    [','.repeat(300_000), /more than 200000 cells|names two columns/u],
  ])('refuses %#', async (text, message) => {
    const found = parse(text);
    await expect(found).rejects.toMatchObject(invalid('/text', message));
    await expect(found).rejects.not.toThrow(/s3cr3t/u);
  });

  it('refuses a number that is none, and a column that is not there', async () => {
    await expect(parse('n\n1,5', { delimiter: ';', numbers: ['n'] })).rejects.toMatchObject(
      invalid('/text', /no number at line 2/u),
    );
    for (const text of ['n\n0x10', 'n\nInfinity', 'n\n1e999'])
      await expect(parse(text, { numbers: ['n'] })).rejects.toMatchObject(
        invalid('/text', /no number/u),
      );
    await expect(parse('n\n1', { numbers: ['m'] })).rejects.toMatchObject(
      invalid('/numbers/0', /not there/u),
    );
  });

  it('takes a cell of any size', async () => {
    const cell = 'x'.repeat(900_000);
    expect(await parse(`a\n"${cell}"`)).toMatchObject({ rows: [{ a: cell }] });
  });
});

describe('to-csv', () => {
  const write = async (rows: Json, config: object = {}): Promise<string> => {
    const { text } = await runData('to-csv', config, { rows });
    return typeof text === 'string' ? text : '';
  };

  it('writes objects and lists', async () => {
    const rows = [
      { a: 1, b: 'x, "y"' },
      { b: null, c: true },
    ];
    expect(await write(rows)).toBe('a,b,c\r\n1,"x, ""y""",\r\n,,true\r\n');
    expect(await write(rows, { columns: ['b'], newline: 'lf' })).toBe('b\n"x, ""y"""\n""\n');
    expect(await write([[1, 'x']], { delimiter: ';' })).toBe('1;x\r\n');
  });

  it.each(['=1+1', '+cmd|x', '-2+3', '@SUM(A1)', '\t=1', '\r=1', '＝1+1'])(
    'keeps %j from running in a spreadsheet',
    async (cell) => {
      const [line = ''] = (await write([[cell]])).split('\r\n');
      expect(line.replace(/^"/u, '')).toMatch(/^'/u);
      expect(await write([[cell]], { formulas: 'keep' })).not.toContain("'");
      await expect(write([[cell]], { formulas: 'refuse' })).rejects.toMatchObject(
        invalid('/rows/0/0', /like a formula/u),
      );
    },
  );

  it('leaves numbers alone, also as text', async () => {
    expect(await write([[-5, '-5', '+4.2', '-1e3']])).toBe('-5,-5,+4.2,-1e3\r\n');
  });

  it('guards the names of columns too', async () => {
    expect(await write([{ '=cmd': 1 }])).toBe("'=cmd\r\n1\r\n");
  });

  it.each([
    [[{ a: { b: 1 } }], '/rows/0/a', /object or a list/u],
    [[['x\0']], '/rows/0/0', /NUL/u],
    [[5], '/rows/0', /neither an object nor a list/u],
  ])('refuses %j', async (rows, at, message) => {
    await expect(write(rows)).rejects.toMatchObject(invalid(at, message));
  });

  it('is read back as it was', async () => {
    const cell = fc.string({ unit: 'binary' }).map((it) => it.replaceAll('\0', ''));
    const table = fc.array(fc.tuple(cell, cell), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(table, fc.constantFrom(',', ';', '\t', '|'), async (rows, delimiter) => {
        const config = { delimiter, header: false };
        const text = await write(rows, { ...config, formulas: 'keep' });
        const back = await runData('parse-csv', config, { text });
        expect(back['rows']).toEqual(rows);
      }),
      { numRuns: 200 },
    );
  });
});

describe('parse-json', () => {
  const parse = async (text: string) => (await runData('parse-json', {}, { text }))['value'];

  it.each(['null', ' [1, -2.5e3, "\\u00e9", {"a": {}}]\n', '"x"', 'true'])(
    'reads %s',
    async (text) => expect(await parse(text)).toEqual(JSON.parse(text)),
  );

  it.each([
    ['', /line 1, column 1: expected a value/u],
    ['{"a":\n [1, 2, s3cr3t]}', /line 2, column 9: expected a value/u],
    ['{"a": 1,}', /line 1, column 9: expected a key/u],
    ["{'a': 1}", /column 2: expected a key in double quotes/u],
    ['{"a" 1}', /column 6: expected “:”/u],
    ['[1 2]', /column 4: expected “,” or “\]”/u],
    ['[1] x', /column 5: expected the end/u],
    ['"s3cr3t', /column 1: expected a well-formed string/u],
    ['"\\x"', /column 1: expected a well-formed string/u],
    ['"a\nb"', /column 1: expected a well-formed string/u],
    ['01', /column 1: expected a value/u],
    ['NaN', /column 1: expected a value/u],
    ['\u{FEFF}{}', /column 1: expected a value/u],
    ['['.repeat(500_000), /deeper than 48 at line 1, column 49/u],
    ['{"a":'.repeat(500_00), /deeper than 48/u],
    ['{"__proto__": {"admin": true}}', /“__proto__”/u],
    [String.raw`[{"\u005f_proto__": 1}]`, /“__proto__”/u],
    [`"${'x'.repeat(900_000)}`, /well-formed string/u],
  ])('refuses %#', async (text, message) => {
    const found = parse(text);
    await expect(found).rejects.toMatchObject(invalid('/text', message));
    await expect(found).rejects.not.toThrow(/s3cr3t/u);
    expect({}).not.toHaveProperty('admin');
  });

  it('finds a place in every text that is not JSON', async () => {
    const broken = fc.tuple(fc.json(), fc.nat(), fc.constantFrom('', ',', '"', '}', 'x', '\\'));
    await fc.assert(
      fc.asyncProperty(broken, async ([text, at, sign]) => {
        const place = at % (text.length + 1);
        const changed = text.slice(0, place) + sign + text.slice(place + 1);
        if (isJson(changed)) return;
        await expect(parse(changed)).rejects.toMatchObject(
          invalid('/text', /(?:at line \d+, column \d+: expected (?!JSON)|“__proto__”|deeper)/u),
        );
      }),
      { numRuns: 300 },
    );
  });
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe('to-json', () => {
  it('writes text, indented and sorted when told', async () => {
    const value = { b: 1, a: [{ d: 1, c: 2 }] };
    expect(await runData('to-json', {}, { value })).toEqual({ text: JSON.stringify(value) });
    const sorted = await runData(
      'to-json',
      { sortKeys: true, indent: 1 },
      { value: { b: 1, a: 2 } },
    );
    expect(sorted).toEqual({ text: '{\n "a": 2,\n "b": 1\n}' });
  });
});
