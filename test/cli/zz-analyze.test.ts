import { vi } from 'vitest';
vi.mock('../../src/cli/commands.js', () => ({ COMMANDS: [{ name: 'analyze', summary: '', load: async () => (await import('../../src/cli/commands/analyze.js')).analyzeCommand }] }));
import './analyze.test.js';
