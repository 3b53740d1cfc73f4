import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { checkOutputFile, OutputError, OutputFile, outputFolder, writeOutputFile } from '../../src/platform/node/output-file.js';

describe('a file that is written', () => {
  const root = mkdtempSync(join(tmpdir(), 'warmstep-output-'));
  afterAll(() => rmSync(root, { recursive: true }));
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(join(root, 'case-'));
    file = join(folder, 'record.json');
  });

  it('is there whole, in place of the old one, with its rights', async () => {
    writeFileSync(file, 'old', { mode: 0o600 });
    await writeOutputFile(file, 'new');
    expect(readFileSync(file, 'utf8')).toBe('new');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(['record.json']);
  });

  it('is the old one until it is finished, and where it fails', async () => {
    writeFileSync(file, 'old');
    const output = await OutputFile.create(file);
    await output.write('half of the ');
    expect(readFileSync(file, 'utf8')).toBe('old');
    await output.discard();
    // What is no content fails as a full disk does, in the middle of the work.
    await expect(writeOutputFile(file, 5 as never)).rejects.toThrow(OutputError);
    expect(readFileSync(file, 'utf8')).toBe('old');
    expect(readdirSync(folder)).toEqual(['record.json']);
  });

  it('is written behind a link, which stays one', async () => {
    writeFileSync(file, 'old');
    symlinkSync(file, join(folder, 'link'));
    await writeOutputFile(join(folder, 'link'), 'new');
    expect(lstatSync(join(folder, 'link')).isSymbolicLink()).toBe(true);
    expect(readFileSync(file, 'utf8')).toBe('new');
  });

  it('may be a device, which stays one', async () => {
    await checkOutputFile('/dev/null');
    await writeOutputFile('/dev/null', 'nothing');
    expect(statSync('/dev/null').isCharacterDevice()).toBe(true);
  });

  it.runIf(existsSync('/dev/full'))('says in words that no space is left on the disk', async () => {
    await expect(writeOutputFile('/dev/full', 'x'.repeat(10))).rejects.toThrow(
      '/dev/full cannot be written: no space is left on the disk.',
    );
  });

  it('is looked into beforehand, which leaves nothing behind', async () => {
    writeFileSync(file, 'old');
    await checkOutputFile(file);
    await checkOutputFile(join(folder, 'new.json'));
    expect(readdirSync(folder)).toEqual(['record.json']);
    expect(readFileSync(file, 'utf8')).toBe('old');
  });

  it.each<[string, (folder: string) => string, string]>([
    ['without its folder', (where) => join(where, 'missing', 'a.json'), 'there is no such file'],
    ['that is a folder', (where) => where, 'it is a folder'],
    ['named as a folder', (where) => join(where, 'new/'), 'it is the name of a folder'],
    ['inside of a file', (where) => join(where, 'plain', 'a.json'), 'a part of its path is a file, not a folder'],
    ['of a name that is too long', (where) => join(where, 'x'.repeat(300)), 'its name is too long'],
    ['behind links in a circle', (where) => join(where, 'circle'), 'its symbolic links lead in a circle'],
    ['in a file system of the kernel', () => '/proc/warmstep.json', 'cannot be written'],
  ])('%s is refused beforehand, in words', async (_, path, message) => {
    writeFileSync(join(folder, 'plain'), '');
    symlinkSync('circle', join(folder, 'circle'));
    const refused = checkOutputFile(path(folder));
    await expect(refused).rejects.toThrow(OutputError);
    await expect(refused).rejects.toThrow(message);
  });

  it('can have any name that a folder takes', async () => {
    const name = 'x'.repeat(255);
    await writeOutputFile(join(folder, name), 'content');
    expect(readdirSync(folder)).toEqual([name]);
  });

  it('goes to a folder that is made where it is missing', async () => {
    const made = await outputFolder(join(folder, 'a', 'b'));
    expect(readdirSync(made)).toEqual([]);
    writeFileSync(file, '');
    await expect(outputFolder(file)).rejects.toThrow('record.json cannot be written: a file of that name is in the way');
    mkdirSync(join(folder, 'c'));
    expect(await outputFolder(join(folder, 'c'))).toBe(join(folder, 'c'));
    symlinkSync('c', join(folder, 'link'));
    expect(readdirSync(await outputFolder(join(folder, 'link', 'd')))).toEqual([]);
    expect(readdirSync(join(folder, 'c'))).toEqual(['d']);
  });

  it.each([[], ['a'], ['a', 'b']])(
    'is refused where a link on its way leads nowhere, as to a disk that is not mounted: %j',
    async (...below) => {
      const link = join(folder, 'disk');
      symlinkSync(join(folder, 'not', 'mounted'), link);
      const wanted = join(link, ...below);
      await expect(outputFolder(wanted)).rejects.toThrow(
        `${wanted} cannot be written: ${link} is a link to ${join(folder, 'not', 'mounted')}, where no folder is. Give another place.`,
      );
      expect(readdirSync(folder)).toEqual(['disk']);
    },
  );

  it.runIf(existsSync('/proc/self'))('is refused where a file system takes no folders', async () => {
    await expect(outputFolder('/proc/warmstep/results')).rejects.toThrow(OutputError);
  });
});
