/** What must be taken down again, in the opposite order, at a stop as at a start that fails halfway. */
export interface Cleanup {
  readonly add: (step: () => void | Promise<void>) => void;
  readonly run: () => Promise<void>;
}

export function createCleanup(): Cleanup {
  const steps: (() => void | Promise<void>)[] = [];
  return {
    add: (step) => void steps.push(step),
    async run() {
      for (let step = steps.pop(); step !== undefined; step = steps.pop()) await step();
    },
  };
}
