import { describe, expect, it } from 'vitest';
import { checkInteger, checkList, checkNumber, checkObject, checkText, checkToggle } from '../../src/foundation/options.js';

describe('an option that is refused', () => {
  it('is shown so that a text is told from the number, list or toggle that it spells', () => {
    expect(() => checkInteger('f', 'steps', '16', 1, 20)).toThrow('f: steps must be an integer from 1 to 20, found "16".');
    expect(() => checkNumber('f', 'p', '16', 'a number', () => true)).toThrow('f: p must be a number, found "16".');
    expect(() => checkToggle('f', 'json', 'true')).toThrow('f: json must be true or false, found "true".');
    expect(() => checkList('f', 'seeds', '[1]' as never)).toThrow('f: seeds must be a list of at most 16777216, found "[1]".');
    expect(() => checkObject('f', 'options', '{}')).toThrow('f: options must be an object, found "{}".');
    expect(() => checkText('f', 'name', 16)).toThrow('f: name must be a text, found 16.');
  });
});
