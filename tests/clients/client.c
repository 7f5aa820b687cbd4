/*
 * What a program with the C client does, one check per run:
 *   client CHECK URL [MORE]
 * It ends with status 0 if the server kept its promise. tests/integration/test_c_client.py
 * compiles and runs it.
 */
#include <nats/nats.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT 20000 /* milliseconds */

static void expect(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "failed: %s\n", what);
    nats_PrintLastErrorStack(stderr);
    exit(1);
}

#define OK(call) expect((call) == NATS_OK, #call)

/* A flag that callbacks set and the main thread waits for. */
static volatile int refusals, reconnects, closes, answered;

static void await(volatile int *flag, int least, const char *what)
{
    for (int waited = 0; *flag < least && waited < TIMEOUT; waited += 5)
        nats_Sleep(5);
    expect(*flag >= least, what);
}

static void on_error(natsConnection *nc, natsSubscription *sub, natsStatus status, void *closure)
{
    (void)nc, (void)sub, (void)closure;
    if (status == NATS_NOT_PERMITTED)
        refusals++;
}

static void on_reconnect(natsConnection *nc, void *closure)
{
    (void)nc, (void)closure;
    reconnects++;
}

static void on_close(natsConnection *nc, void *closure)
{
    (void)nc, (void)closure;
    closes++;
}

static void count(natsConnection *nc, natsSubscription *sub, natsMsg *msg, void *closure)
{
    (void)nc, (void)sub, (void)closure;
    natsMsg_Destroy(msg);
    answered++;
}

/* Sends a request back with its headers and payload. */
static void echo(natsConnection *nc, natsSubscription *sub, natsMsg *msg, void *closure)
{
    const char *trace = NULL;
    natsMsg *answer = NULL;
    (void)sub, (void)closure;
    OK(natsMsg_Create(&answer, natsMsg_GetReply(msg), NULL, natsMsg_GetData(msg), natsMsg_GetDataLength(msg)));
    if (natsMsgHeader_Get(msg, "Trace", &trace) == NATS_OK)
        OK(natsMsgHeader_Set(answer, "Trace", trace));
    OK(natsConnection_PublishMsg(nc, answer));
    natsMsg_Destroy(answer);
    natsMsg_Destroy(msg);
}

static void check_everyday(natsConnection *nc)
{
    natsSubscription *sub = NULL;
    natsMsg *msg = NULL;
    OK(natsConnection_SubscribeSync(&sub, nc, "greet.*"));
    OK(natsConnection_PublishRequestString(nc, "greet.joe", "back", "hello"));
    OK(natsSubscription_NextMsg(&msg, sub, TIMEOUT));
    expect(strcmp(natsMsg_GetSubject(msg), "greet.joe") == 0, "the subject");
    expect(strcmp(natsMsg_GetReply(msg), "back") == 0, "the reply subject");
    expect(strcmp(natsMsg_GetData(msg), "hello") == 0, "the payload");
    natsMsg_Destroy(msg);
    natsSubscription_Destroy(sub);
}

static void check_headers(natsConnection *nc)
{
    natsSubscription *sub = NULL;
    natsMsg *msg = NULL, *answer = NULL;
    const char *trace = NULL;
    OK(natsConnection_Subscribe(&sub, nc, "ask", echo, NULL));
    OK(natsMsg_Create(&msg, "ask", NULL, "hello", 5));
    OK(natsMsgHeader_Set(msg, "Trace", "abc"));
    OK(natsConnection_RequestMsg(&answer, nc, msg, TIMEOUT));
    OK(natsMsgHeader_Get(answer, "Trace", &trace));
    expect(strcmp(trace, "abc") == 0, "the header");
    expect(natsMsg_GetDataLength(answer) == 5, "the payload");
    natsMsg_Destroy(answer);
    natsMsg_Destroy(msg);
    natsSubscription_Destroy(sub);
}

static void check_request(natsConnection *nc)
{
    natsSubscription *sub = NULL;
    char question[16];
    OK(natsConnection_QueueSubscribe(&sub, nc, "ask", "workers", echo, NULL));
    for (int number = 0; number < 100; number++)
    {
        natsMsg *answer = NULL;
        snprintf(question, sizeof question, "%d", number);
        OK(natsConnection_RequestString(&answer, nc, "ask", question, TIMEOUT));
        expect(strcmp(natsMsg_GetData(answer), question) == 0, "the answer");
        natsMsg_Destroy(answer);
    }
    natsSubscription_Destroy(sub);
}

static void check_no_responders(natsConnection *nc)
{
    natsMsg *answer = NULL;
    natsStatus status = natsConnection_RequestString(&answer, nc, "nobody", "", TIMEOUT);
    expect(status == NATS_NO_RESPONDERS, "NATS_NO_RESPONDERS");
}

static void check_no_echo(natsConnection *nc)
{
    natsSubscription *sub = NULL;
    uint64_t queued = 1;
    OK(natsConnection_SubscribeSync(&sub, nc, "own"));
    OK(natsConnection_PublishString(nc, "own", "hello"));
    OK(natsConnection_FlushTimeout(nc, TIMEOUT));
    OK(natsSubscription_QueuedMsgs(sub, &queued));
    expect(queued == 0, "no message of one's own");
    natsSubscription_Destroy(sub);
}

static void check_permissions(natsConnection *nc)
{
    natsSubscription *sub = NULL;
    OK(natsConnection_PublishString(nc, "secret", "x"));
    await(&refusals, 1, "the refusal of a publish");
    OK(natsConnection_SubscribeSync(&sub, nc, "secret"));
    await(&refusals, 2, "the refusal of a subscription");
    natsSubscription_Destroy(sub);
    check_everyday(nc);
}

static void check_reconnect(natsConnection *nc)
{
    natsSubscription *sub = NULL;
    natsMsg *msg = NULL;
    OK(natsConnection_SubscribeSync(&sub, nc, "still.here"));
    OK(natsConnection_FlushTimeout(nc, TIMEOUT));
    printf("connected\n");
    fflush(stdout);
    await(&reconnects, 1, "the new connection");
    OK(natsConnection_PublishString(nc, "still.here", "again"));
    OK(natsSubscription_NextMsg(&msg, sub, TIMEOUT));
    expect(strcmp(natsMsg_GetData(msg), "again") == 0, "the payload");
    natsMsg_Destroy(msg);
    natsSubscription_Destroy(sub);
}

static void check_drain(natsConnection *nc)
{
    natsSubscription *sub = NULL;
    OK(natsConnection_Subscribe(&sub, nc, "drained", count, NULL));
    for (int number = 0; number < 1000; number++)
        OK(natsConnection_PublishString(nc, "drained", "x"));
    OK(natsConnection_DrainTimeout(nc, TIMEOUT));
    await(&closes, 1, "the end of the connection");
    expect(answered == 1000, "all messages before the end");
    natsSubscription_Destroy(sub);
}

struct check
{
    const char *name;
    void (*run)(natsConnection *nc);
};

static const struct check CHECKS[] = {
    {"everyday", check_everyday},
    {"verbose", check_everyday},
    {"headers", check_headers},
    {"request", check_request},
    {"no_responders", check_no_responders},
    {"no_echo", check_no_echo},
    {"permissions", check_permissions},
    {"reconnect", check_reconnect},
    {"drain", check_drain},
    {"nkey", check_request},
    {"tls", check_headers},
};

static void set_options(natsOptions *opts, const char *name, char **more)
{
    OK(natsOptions_SetTimeout(opts, TIMEOUT));
    OK(natsOptions_SetErrorHandler(opts, on_error, NULL));
    OK(natsOptions_SetReconnectedCB(opts, on_reconnect, NULL));
    OK(natsOptions_SetClosedCB(opts, on_close, NULL));
    OK(natsOptions_SetReconnectWait(opts, 50));
    OK(natsOptions_SetMaxReconnect(opts, -1));
    if (strcmp(name, "verbose") == 0)
    {
        OK(natsOptions_SetVerbose(opts, true));
        OK(natsOptions_SetPedantic(opts, true));
    }
    if (strcmp(name, "no_echo") == 0)
        OK(natsOptions_SetNoEcho(opts, true));
    if (strcmp(name, "nkey") == 0) /* the public key, and a file with the seed */
        OK(natsOptions_SetNKeyFromSeed(opts, more[0], more[1]));
    if (strcmp(name, "tls") == 0) /* a file with the authority's certificate */
    {
        OK(natsOptions_SetSecure(opts, true));
        OK(natsOptions_LoadCATrustedCertificates(opts, more[0]));
    }
}

int main(int argc, char **argv)
{
    natsOptions *opts = NULL;
    natsConnection *nc = NULL;
    expect(argc >= 3, "usage: client CHECK URL [MORE]");
    OK(natsOptions_Create(&opts));
    OK(natsOptions_SetURL(opts, argv[2]));
    set_options(opts, argv[1], argv + 3);
    OK(natsConnection_Connect(&nc, opts));
    for (size_t at = 0; at < sizeof CHECKS / sizeof CHECKS[0]; at++)
        if (strcmp(CHECKS[at].name, argv[1]) == 0)
        {
            CHECKS[at].run(nc);
            natsConnection_Destroy(nc);
            natsOptions_Destroy(opts);
            nats_Close();
            return 0;
        }
    expect(false, "a check of this name");
    return 1;
}
