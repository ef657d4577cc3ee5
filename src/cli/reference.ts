/** All help texts as one Markdown page: what `docs/cli.md` holds. */
import type { Command } from 'commander';

export function renderReference(program: Command): string {
  const page = [
    '# Commands',
    '',
    'The help texts of `tollfree`, as the program prints them. `node scripts/cli-reference.js` writes this page, and a test holds it against the program.',
    '',
    'Every command ends with 0 when it did what it was asked, 1 when it failed and 2 when it was used wrongly; it prints data on stdout and words on stderr.',
    '',
    ...sections(program, program.name()),
  ];
  return `${page.join('\n').trimEnd()}\n`;
}

function sections(command: Command, name: string): string[] {
  const own = ['```', command.helpInformation().trimEnd(), '```', ''];
  const children = command.createHelp().visibleCommands(command).filter((child) => child.name() !== 'help').flatMap((child) => [`## ${name} ${child.name()}`, ''].concat(sections(child, `${name} ${child.name()}`)));
  return own.concat(children);
}
