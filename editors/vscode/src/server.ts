import { existsSync } from "node:fs";
import * as vscode from "vscode";
import { type LanguageClient, State as ClientState } from "vscode-languageclient/node";
import { type Channels, newClient } from "./client";
import { Commands } from "./commands";
import { selected } from "./environment";
import { type Candidate, candidates } from "./find";
import { probe } from "./probe";
import { section, serverPath } from "./settings";
import type { Status } from "./status";

/** How long a server may take to shut down before it is ended, in milliseconds. */
const patience = 5_000;

/** A server that answered, and its version. */
interface Found extends Candidate {
  readonly version: string;
}

/** The one running server. Starts and stops wait for each other, in the order in which they were asked for. */
export class Server {
  private client: LanguageClient | undefined;
  private found: Found | undefined;
  private queue: Promise<void> = Promise.resolve();

  constructor(
    private readonly extension: string,
    private readonly channels: Channels,
    private readonly status: Status,
  ) {}

  /** The running server's binary; undefined while none runs. */
  get file(): string | undefined {
    return this.found?.file;
  }

  /** Starts the server, in place of the one that runs. */
  restart(): Promise<void> {
    return this.enqueue(async () => {
      await this.end();
      await this.begin(await this.find());
    });
  }

  /** Starts another server when another one is to be used by now. */
  reconsider(): Promise<void> {
    return this.enqueue(async () => {
      const found = await this.find();
      if (found?.file !== this.found?.file) {
        await this.end();
        await this.begin(found);
      }
    });
  }

  stop(): Promise<void> {
    return this.enqueue(() => this.end());
  }

  private enqueue(step: () => Promise<void>): Promise<void> {
    this.queue = this.queue.then(step).catch((error: unknown) => {
      this.channels.log.error(`ckpt-lsp could not be started or stopped: ${String(error)}`);
      this.status.show("stopped", String(error));
    });
    return this.queue;
  }

  /** The first server that answers; those that do not are named in the log. */
  private async find(): Promise<Found | undefined> {
    const { log } = this.channels;
    const trusted = vscode.workspace.isTrusted;
    const environment = trusted ? await selected(log) : undefined;
    const places = candidates({
      platform: process.platform,
      env: process.env,
      trusted,
      setting: serverPath(),
      folders: (vscode.workspace.workspaceFolders ?? []).map((folder) => folder.uri.fsPath),
      environment: environment?.folder,
      extension: this.extension,
    });
    for (const place of places) {
      const answer = existsSync(place.file) ? await probe(place.file) : { problem: "there is no such file" };
      if ("version" in answer) {
        log.info(`Using ${place.file} (${place.from}), version ${answer.version}`);
        return { ...place, version: answer.version };
      }
      log.info(`Not using ${place.file} (${place.from}): ${answer.problem}`);
    }
    return undefined;
  }

  private async begin(found: Found | undefined): Promise<void> {
    this.found = found;
    if (found === undefined) {
      this.status.show("stopped", "no server was found");
      void complain();
      return;
    }
    this.status.show("starting", found.version);
    const client = newClient(found.file, this.channels, (state) => this.status.show(state));
    this.client = client;
    client.onDidChangeState(({ newState }) => {
      if (this.client === client) {
        this.follow(newState, found);
      }
    });
    await client.start();
  }

  private follow(state: ClientState, found: Found): void {
    switch (state) {
      case ClientState.Running:
        this.status.show("ready", found.version);
        break;
      case ClientState.Starting:
        this.status.show("starting", found.version);
        break;
      default:
        this.status.show("stopped", "see the log");
    }
  }

  private async end(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    this.found = undefined;
    try {
      await client?.dispose(patience);
    } catch (error) {
      this.channels.log.warn(`The server did not shut down properly: ${String(error)}`);
    }
    this.status.show("stopped", "");
  }
}

/** Tells that no server works, and what can be done about it. */
async function complain(): Promise<void> {
  const [logs, settings] = ["Show Logs", "Open Settings"];
  const choice = await vscode.window.showErrorMessage(
    "ckpt-lsp: no working server was found. The log tells where it was looked for. Install one, or set ckpt-lsp.path.",
    logs,
    settings,
  );
  if (choice === logs) {
    await vscode.commands.executeCommand(Commands.showLogs);
  } else if (choice === settings) {
    await vscode.commands.executeCommand("workbench.action.openSettings", `${section}.path`);
  }
}
