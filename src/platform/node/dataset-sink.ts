import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { DatasetSink } from '../../datasets/write/write-lerobot.js';
import { makeOutputFolder, OutputError, outputFolder, writeOutputFile } from './output-file.js';

/**
 * A folder that a data set is written to: a new one, or one that is empty, since files of another data set would count as files of this
 * one. @throws OutputError
 */
export async function datasetSink(path: string): Promise<DatasetSink> {
  const folder = await outputFolder(path);
  const there = await readdir(folder);
  if (there.length > 0) {
    throw new OutputError(`${folder} cannot take a data set: it holds "${there[0]}" already. Give an empty folder, or a new one.`);
  }
  return {
    write: async (file, content) => {
      const place = join(folder, file);
      makeOutputFolder(dirname(place));
      await writeOutputFile(place, content);
    },
  };
}
