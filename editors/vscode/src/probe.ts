import { execFile } from "node:child_process";

/** How long a binary may take to tell its version, in milliseconds. */
export const patience = 10_000;

/** What a binary answered: its version, or why it is not to be used. */
export type Answer = { readonly version: string } | { readonly problem: string };

/** Asks a binary for its version. One that is no ckpt-lsp is not to be talked to. */
export function probe(file: string, limit = patience): Promise<Answer> {
  return new Promise((resolve) => {
    execFile(file, ["version"], { timeout: limit, killSignal: "SIGKILL", windowsHide: true }, (error, stdout) => {
      const version = /^ckpt-lsp (.+)/.exec(stdout)?.[1]?.trim();
      if (error?.killed) {
        resolve({ problem: `it did not tell its version within ${limit / 1000} s` });
      } else if (error) {
        resolve({ problem: error.message.trim() });
      } else if (version === undefined) {
        resolve({ problem: 'it does not answer "version" as ckpt-lsp does' });
      } else {
        resolve({ version });
      }
    });
  });
}
