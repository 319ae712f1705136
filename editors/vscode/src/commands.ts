import * as vscode from "vscode";
import { openExample } from "./example";
import { prove } from "./prove";
import { type Manifest, reportProblem } from "./report";
import { explainRule } from "./rules";
import type { Server } from "./server";
import type { Timelines } from "./timeline";

/** The extension's own commands. */
export const Commands = {
  explainRule: "ckptLsp.explainRule",
  fixAll: "ckptLsp.fixAll",
  openExample: "ckptLsp.openExample",
  prove: "ckptLsp.prove",
  reportProblem: "ckptLsp.reportProblem",
  restart: "ckptLsp.restart",
  showContract: "ckptLsp.showContract",
  showLogs: "ckptLsp.showLogs",
  showTimeline: "ckptLsp.showTimeline",
  interruptTimeline: "ckptLsp.interruptTimeline",
} as const;

/** The commands that the server announces, and the language client registers. */
export const ServerCommands = {
  contract: "ckpt-lsp.contract",
  fixAll: "ckpt-lsp.fixAll",
  prove: "ckpt-lsp.prove",
  showDocumentation: "ckpt-lsp.showDocumentation",
  timeline: "ckpt-lsp.timeline",
} as const;

/** Registers the commands. */
export function register(context: vscode.ExtensionContext, server: Server, timelines: Timelines, log: vscode.LogOutputChannel): void {
  const commands: Record<string, () => unknown> = {
    [Commands.explainRule]: () => explainRule(server.file),
    [Commands.fixAll]: () => vscode.commands.executeCommand(ServerCommands.fixAll, current()),
    [Commands.openExample]: () => openExample(context.extensionUri),
    [Commands.prove]: () => prove(server.file, log),
    [Commands.reportProblem]: () => reportProblem(server.file, context.extension.packageJSON as Manifest),
    [Commands.restart]: () => server.restart(),
    [Commands.showContract]: () => vscode.commands.executeCommand(ServerCommands.contract, current()),
    [Commands.showLogs]: () => log.show(),
    [Commands.showTimeline]: () => timelines.show(current()),
    [Commands.interruptTimeline]: () => timelines.interrupt(current()),
  };
  for (const [name, run] of Object.entries(commands)) {
    context.subscriptions.push(vscode.commands.registerCommand(name, () => told(run, log)));
  }
}

/** The address of the notebook or file that is edited; undefined when there is none. */
function current(): string | undefined {
  return (vscode.window.activeNotebookEditor?.notebook ?? vscode.window.activeTextEditor?.document)?.uri.toString();
}

/** Runs a command and tells the person when it fails. */
async function told(run: () => unknown, log: vscode.LogOutputChannel): Promise<void> {
  try {
    await run();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    log.error(message);
    void vscode.window.showErrorMessage(`ckpt-lsp: ${message}`);
  }
}
