/** Variables of the environment. One that is empty is one that is not set. */
export type Environment = Readonly<Record<string, string | undefined>>;

export function given(environment: Environment, name: string): string | undefined {
  const value = environment[name];
  return value === '' ? undefined : value;
}
