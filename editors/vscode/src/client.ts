import * as vscode from "vscode";
import { LanguageClient, type LanguageClientOptions } from "vscode-languageclient/node";
import { copyLog } from "./logging";
import { showPage } from "./pages";
import { logLevel, section, serverSettings } from "./settings";
import type { State } from "./status";

/** The documents that the server looks at: Python files, texts that were not saved yet, and the Python cells of notebooks. */
export const documents = [
  { language: "python", scheme: "file" },
  { language: "python", scheme: "untitled" },
  { language: "python", notebook: { notebookType: "jupyter-notebook" } },
];

/** The channels that a client writes to. */
export interface Channels {
  readonly log: vscode.LogOutputChannel;
  readonly trace: vscode.LogOutputChannel;
}

/** A client of the server in a file; onProgress hears when the server begins and ends to work through the workspace. */
export function newClient(file: string, channels: Channels, onProgress: (state: State) => void): LanguageClient {
  const working = new Set<string | number>();
  const options: LanguageClientOptions = {
    documentSelector: documents as NonNullable<LanguageClientOptions["documentSelector"]>,
    diagnosticCollectionName: section,
    synchronize: { configurationSection: section },
    initializationOptions: () => ({ settings: serverSettings(), terminal: true, pictures: true, showsFindings: true }),
    outputChannel: channels.log,
    traceOutputChannel: channels.trace,
    stdioOptions: { stdout: copyLog, stderr: copyLog },
    middleware: {
      window: { showDocument: showPage },
      handleWorkDoneProgress: (token, params, next) => {
        if (params.kind === "end") {
          working.delete(token);
        } else {
          working.add(token);
        }
        onProgress(working.size > 0 ? "checking" : "ready");
        next(token, params);
      },
    },
  };
  return new LanguageClient(section, "ckpt-lsp", { command: file, args: ["server", "--log-level", logLevel()] }, options);
}
