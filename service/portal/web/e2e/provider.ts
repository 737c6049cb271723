// A small OpenID provider: discovery, a page to sign in at, PKCE, and tokens signed with a key of its own.

import assert from "node:assert/strict";
import { createHash, randomUUID, webcrypto } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

const CLIENT = "vdl-portal";
const SECRET = "a secret: of the client/100%";
const ECDSA = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

type Claims = Record<string, unknown>;
type Grant = { subject: string; asked: URLSearchParams };

export class Provider {
  readonly issuer: string;
  /** Done to what a token says after it was signed. */
  alters: ((claims: Claims) => void) | undefined;
  /** Tokens given out. */
  given = 0;
  readonly #server: Server;
  readonly #folder: string;
  readonly #keys: webcrypto.CryptoKeyPair;
  readonly #grants = new Map<string, Grant>();

  private constructor(server: Server, keys: webcrypto.CryptoKeyPair) {
    const address = server.address();
    assert.ok(address !== null && typeof address === "object");
    this.issuer = `http://127.0.0.1:${address.port}/realm`;
    this.#server = server;
    this.#keys = keys;
    this.#folder = mkdtempSync(join(tmpdir(), "vdl-provider-"));
    writeFileSync(join(this.#folder, "oidc.secret"), `${SECRET}\n`);
    server.on("request", (request, response) => {
      this.#serve(request, response).catch((error: unknown) => {
        response.writeHead(500).end(String(error));
      });
    });
  }

  static async open(): Promise<Provider> {
    const keys = await webcrypto.subtle.generateKey(ECDSA, true, ["sign", "verify"]);
    const server = createServer();
    await new Promise<void>((resolved) => server.listen(0, "127.0.0.1", resolved));
    return new Provider(server, keys);
  }

  /** What the portal is told of it. */
  configuration(): string {
    return [
      "[oidc]",
      `issuer = "${this.issuer}"`,
      `client_id = "${CLIENT}"`,
      `client_secret_file = ${JSON.stringify(join(this.#folder, "oidc.secret"))}`,
      `name = "Hospital"`,
    ].join("\n");
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? "/", this.issuer);
    switch (`${request.method} ${pathname}`) {
      case "GET /realm/.well-known/openid-configuration":
        return json(response, 200, this.#document());
      case "GET /realm/keys":
        return json(response, 200, { keys: [await this.#publicKey()] });
      case "GET /realm/door":
        return page(response, door(searchParams));
      case "POST /realm/door":
        return this.#enter(searchParams, new URLSearchParams(await bodyOf(request)), response);
      case "POST /realm/token":
        return this.#token(request, new URLSearchParams(await bodyOf(request)), response);
      default:
        response.writeHead(404).end();
    }
  }

  #document(): unknown {
    return {
      issuer: this.issuer,
      authorization_endpoint: `${this.issuer}/door`,
      token_endpoint: `${this.issuer}/token`,
      jwks_uri: `${this.issuer}/keys`,
      response_types_supported: ["code"],
      subject_types_supported: ["public"],
      id_token_signing_alg_values_supported: ["ES256"],
      code_challenge_methods_supported: ["S256"],
      authorization_response_iss_parameter_supported: true,
    };
  }

  async #publicKey(): Promise<unknown> {
    const { kty, crv, x, y } = await webcrypto.subtle.exportKey("jwk", this.#keys.publicKey);
    return { kty, crv, x, y, kid: "first", use: "sig", alg: "ES256" };
  }

  /** Somebody said who they are: the browser goes back with a code. */
  #enter(asked: URLSearchParams, form: URLSearchParams, response: ServerResponse): void {
    const code = randomUUID();
    this.#grants.set(code, { subject: form.get("subject") ?? "", asked });
    const back = new URL(asked.get("redirect_uri") ?? "");
    for (const [name, value] of [
      ["code", code],
      ["state", asked.get("state") ?? ""],
      ["iss", this.issuer],
    ] as const)
      back.searchParams.set(name, value);
    response.writeHead(303, { location: back.href }).end();
  }

  async #token(request: IncomingMessage, form: URLSearchParams, response: ServerResponse): Promise<void> {
    const shown = Buffer.from(`${encodeURIComponent(CLIENT)}:${encoded(SECRET)}`).toString("base64");
    if (request.headers.authorization !== `Basic ${shown}`)
      return json(response, 401, { error: "invalid_client" });
    const code = form.get("code") ?? "";
    const grant = this.#grants.get(code);
    this.#grants.delete(code);
    const verifier = createHash("sha256")
      .update(form.get("code_verifier") ?? "")
      .digest("base64url");
    const fits =
      grant !== undefined &&
      grant.asked.get("code_challenge_method") === "S256" &&
      grant.asked.get("code_challenge") === verifier &&
      grant.asked.get("redirect_uri") === form.get("redirect_uri") &&
      form.get("grant_type") === "authorization_code";
    if (!fits) return json(response, 400, { error: "invalid_grant" });
    this.given += 1;
    const id_token = await this.#sign(grant);
    json(response, 200, { access_token: "opaque", token_type: "Bearer", expires_in: 60, id_token });
  }

  async #sign({ subject, asked }: Grant): Promise<string> {
    const now = Math.floor(Date.now() / 1000);
    const claims: Claims = {
      iss: this.issuer,
      sub: subject,
      aud: asked.get("client_id"),
      nonce: asked.get("nonce"),
      iat: now,
      exp: now + 60,
      auth_time: now,
    };
    const head = text({ alg: "ES256", typ: "JWT", kid: "first" });
    const signed = Buffer.from(`${head}.${text(claims)}`);
    const signature = await webcrypto.subtle.sign(ECDSA, this.#keys.privateKey, signed);
    this.alters?.(claims);
    return `${head}.${text(claims)}.${Buffer.from(signature).toString("base64url")}`;
  }
}

/** As forms and the header of the client write it (RFC 6749, appendix B). */
function encoded(plain: string): string {
  return new URLSearchParams({ "": plain }).toString().slice(1);
}

function text(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  return Buffer.concat(pieces).toString();
}

function json(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
}

function page(response: ServerResponse, body: string): void {
  response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end(body);
}

/** Everybody is who they say they are. */
function door(asked: URLSearchParams): string {
  for (const [name, value] of [
    ["client_id", CLIENT],
    ["response_type", "code"],
    ["scope", "openid"],
  ] as const)
    assert.equal(asked.get(name), value);
  return `<!doctype html><html lang="en"><title>Hospital</title><h1>Hospital</h1>
    <p id="asked">${asked.get("prompt") === "login" ? "Once more, please." : "Welcome."}</p>
    <form method="post"><label>Staff number <input name="subject"></label><button>Log in</button></form>`;
}
