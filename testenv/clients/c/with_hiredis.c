/* hiredis. What it does is told in testenv/clients/python/steady.py. */

#include <errno.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BEFORE = 50, AFTER = 100, PAUSE = 10000, MOST = 20000 };

static redisContext *client;
static int acknowledged[MOST], found[MOST], errors;
static char kinds[16][300];
static int times[16];

static void fail(const char *what) {
	fprintf(stderr, "%s: %s\n", what, client ? client->errstr : "no connection");
	exit(1);
}

/* note counts an error that an application would see. */
static void note(const char *text) {
	for (int i = 0; i < 16; i++) {
		if (i == errors) snprintf(kinds[errors++], sizeof kinds[0], "%s", text);
		if (strncmp(kinds[i], text, sizeof kinds[0] - 1) == 0) {
			times[i]++;
			return;
		}
	}
}

static redisReply *ask(const char *format, ...) {
	va_list args;
	va_start(args, format);
	redisReply *reply = redisvCommand(client, format, args);
	va_end(args);
	if (!reply) fail(format);
	return reply;
}

static void text_is(redisReply *reply, const char *want) {
	if (!reply || !reply->str || strcmp(reply->str, want) != 0) {
		fprintf(stderr, "got %s, want %s\n", reply && reply->str ? reply->str : "nothing", want);
		exit(1);
	}
	freeReplyObject(reply);
}

static void number_is(redisReply *reply, long long want) {
	if (!reply || reply->type != REDIS_REPLY_INTEGER || reply->integer != want) {
		fprintf(stderr, "got %s, want %lld\n", reply && reply->str ? reply->str : "another number", want);
		exit(1);
	}
	freeReplyObject(reply);
}

static redisReply *next(void) {
	void *reply;
	if (redisGetReply(client, &reply) != REDIS_OK) fail("a pipeline");
	return reply;
}

static void usual(void) {
	text_is(ask("SET %s %s EX 100", "{compat}:text", "value"), "OK");
	text_is(ask("GET {compat}:text"), "value");
	text_is(ask("SET {compat}:raw %b", "\r\n\0$1", (size_t)5), "OK");
	redisAppendCommand(client, "GET {compat}:text");
	redisAppendCommand(client, "INCR other");
	text_is(next(), "value");
	number_is(next(), 1);
	text_is(ask("WATCH {compat}:number"), "OK");
	text_is(ask("MULTI"), "OK");
	text_is(ask("INCRBY {compat}:number 42"), "QUEUED");
	redisReply *reply = ask("EXEC");
	if (reply->elements != 1 || reply->element[0]->integer != 42) fail("EXEC");
	freeReplyObject(reply);
	reply = ask("SCRIPT LOAD %s", "return redis.call('GET', KEYS[1]) .. ARGV[1]");
	text_is(ask("EVALSHA %s 1 {compat}:text !", reply->str), "value!");
	text_is(ask("EVALSHA %s 1 {compat}:text ?", reply->str), "value?");
	freeReplyObject(reply);
	number_is(ask("LPUSH {compat}:queue job"), 1);
	reply = ask("BLPOP {compat}:queue 5");
	if (reply->elements != 2 || strcmp(reply->element[1]->str, "job") != 0) fail("BLPOP");
	freeReplyObject(reply);
}

/* did says whether a write was acknowledged. */
static int did(redisReply *reply) {
	if (!reply) {
		note(client->errstr);
		redisReconnect(client);
		return 0;
	}
	int ok = reply->type != REDIS_REPLY_ERROR;
	if (!ok) note(reply->str);
	freeReplyObject(reply);
	return ok;
}

int main(int count, char **arguments) {
	char *colon = count == 2 ? strrchr(arguments[1], ':') : NULL;
	if (!colon) return 2;
	*colon = 0;
	client = redisConnect(arguments[1], atoi(colon + 1));
	if (!client || client->err) fail("connect");
	usual();
	fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
	int tried = 0, told = 0, all = 0, missing = 0, twice = 0;
	for (int left = AFTER; left > 0 && tried < MOST; tried++) {
		acknowledged[tried] = did(redisCommand(client, "RPUSH {compat}:list %d", tried)) &&
			did(redisCommand(client, "LINDEX {compat}:list -1"));
		if (tried == BEFORE) {
			puts("ready {compat}:list");
			fflush(stdout);
		}
		char line[64];
		told = told || read(STDIN_FILENO, line, sizeof line) > 0;
		left -= told;
		usleep(PAUSE);
	}
	redisReply *list = ask("LRANGE {compat}:list 0 -1");
	for (size_t i = 0; i < list->elements; i++) twice += ++found[atoi(list->element[i]->str)] == 2;
	for (int i = 0; i < tried; i++) {
		all += acknowledged[i];
		missing += acknowledged[i] && !found[i];
	}
	printf("{\"library\":\"hiredis\",\"version\":\"%d.%d.%d\",\"ran\":[\"strings\",\"pipeline\",\"WATCH and MULTI\","
		"\"EVALSHA\",\"BLPOP\"],\"operations\":%d,\"acknowledged\":%d,\"missing\":%d,\"twice\":%d,\"errors\":{",
		HIREDIS_MAJOR, HIREDIS_MINOR, HIREDIS_PATCH, tried, all, missing, twice);
	for (int i = 0; i < errors; i++) {
		printf("%s\"", i ? "," : "");
		for (char *c = kinds[i]; *c; c++) putchar(*c == '"' || *c == '\\' || *c < ' ' ? '\'' : *c);
		printf("\":%d", times[i]);
	}
	puts("}}");
	return 0;
}
