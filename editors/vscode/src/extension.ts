import * as vscode from "vscode";
import { documents } from "./client";
import { register } from "./commands";
import { onSelection } from "./environment";
import { traceChannel } from "./logging";
import { Server } from "./server";
import { needsRestart } from "./settings";
import { Status } from "./status";
import { Timelines } from "./timeline";

let server: Server | undefined;

/** Starts the server and follows what decides which one is to run. */
export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const log = vscode.window.createOutputChannel("ckpt-lsp", { log: true });
  const trace = traceChannel();
  const status = new Status(documents);
  const running = new Server(context.extensionPath, { log, trace }, status);
  server = running;
  const timelines = new Timelines(log);
  register(context, running, timelines, log);
  context.subscriptions.push(
    timelines,
    log,
    trace,
    status,
    vscode.workspace.onDidChangeConfiguration((change) => {
      if (needsRestart(change)) {
        void running.restart();
      }
    }),
    vscode.workspace.onDidGrantWorkspaceTrust(() => {
      void running.reconsider();
      void follow(context, running, log);
    }),
  );
  await running.restart();
  if (vscode.workspace.isTrusted) {
    await follow(context, running, log);
  }
}

/** Stops the server. */
export function deactivate(): Promise<void> | undefined {
  return server?.stop();
}

/** Asks for another server when another Python environment is selected. */
async function follow(context: vscode.ExtensionContext, running: Server, log: vscode.LogOutputChannel): Promise<void> {
  try {
    const selection = await onSelection(() => void running.reconsider());
    context.subscriptions.push(...(selection ? [selection] : []));
  } catch (error) {
    log.warn(`The selected Python environment cannot be followed: ${String(error)}`);
  }
}
