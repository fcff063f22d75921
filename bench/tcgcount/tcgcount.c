// SPDX-License-Identifier: BSD-2-Clause
/*
 * tcgcount.c: a QEMU TCG plugin that counts executed guest instructions between two markers.
 *
 * Loaded by "-plugin libtcgcount.so,out=FILE" with "-accel tcg,thread=single": all virtual CPUs
 * run on one host thread, so nothing here needs a lock. Every translated block owns one counter
 * that the generated code increments; at a STOP marker all counters that moved since START are
 * written as
 *	interval TAG
 *	ADDRESS INSTRUCTIONS COPIES EXECUTIONS	(per block; the middle two are per execution)
 *	end
 * bench/report.py attributes the addresses to symbols, so what counts as a copying function,
 * and which function costs how much, is decided after the run. Blocks live until QEMU ends:
 * translated code holds pointers to their counters. With trace=FILE the order of blocks is
 * written too (trace.c), which makes QEMU much slower.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../marker.h"
#include "decode.h"
#include "qemu_plugin_api.h"
#include "trace.h"

#define HASH_SIZE	(1u << 16)
#define KERNEL_BASE	(1ull << 63)

static struct {
	FILE *out;
	struct block *hash[HASH_SIZE];
	struct block *all;
	uint32_t tag;		/* nibbles received so far, newest lowest */
	uint32_t running_tag;	/* valid while running */
	bool running;
} counter;

int qemu_plugin_version = PLUGIN_API_VERSION;

static uint32_t hash_block(uint64_t vaddr, uint32_t insns)
{
	return (uint32_t)(((vaddr ^ insns) * 0x9e3779b97f4a7c15ull) >> 48) & (HASH_SIZE - 1);
}

/* Find or make the block of a key. Out of memory ends the run: a count with holes is a lie. */
static struct block *get_block(uint64_t vaddr, uint32_t insns, uint32_t copies)
{
	struct block **head = &counter.hash[hash_block(vaddr, insns)];
	struct block *b;

	for (b = *head; b; b = b->hash_next)
		if (b->vaddr == vaddr && b->insns == insns && b->copies == copies)
			return b;

	b = calloc(1, sizeof(*b));
	if (!b) {
		fprintf(stderr, "tcgcount: out of memory\n");
		abort();
	}
	b->vaddr = vaddr;
	b->insns = insns;
	b->copies = copies;
	b->hash_next = *head;
	*head = b;
	b->all_next = counter.all;
	counter.all = b;
	return b;
}

static void start_interval(void)
{
	for (struct block *b = counter.all; b; b = b->all_next)
		b->execs = 0;
	counter.running_tag = counter.tag;
	counter.running = true;
}

static void stop_interval(void)
{
	if (!counter.running)
		return;
	counter.running = false;

	fprintf(counter.out, "interval %" PRIu32 "\n", counter.running_tag);
	for (struct block *b = counter.all; b; b = b->all_next)
		if (b->execs)
			fprintf(counter.out, "%" PRIx64 " %" PRIu32 " %" PRIu32 " %" PRIu64 "\n",
				b->vaddr, b->insns, b->copies, b->execs);
	fprintf(counter.out, "end\n");
	if (fflush(counter.out) != 0) {
		fprintf(stderr, "tcgcount: cannot write the counts: %s\n", strerror(errno));
		abort();
	}
}

static void on_marker(unsigned int vcpu_index, void *userdata)
{
	unsigned int code = (unsigned int)(uintptr_t)userdata;

	if (code <= MARKER_NIBBLE_MAX) {
		counter.tag = counter.tag << 4 | code;
	} else if (code == MARKER_START) {
		start_interval();
		trace_start(vcpu_index);
	} else if (code == MARKER_STOP) {
		stop_interval();
		trace_stop(counter.running_tag);
	}
}

static void on_block(unsigned int vcpu_index, void *userdata)
{
	trace_add(vcpu_index, userdata);
}

/* A user-space block that jumps to its own head, bulk moves making up a quarter or more. */
static bool is_copy_loop(const struct qemu_plugin_tb *tb, size_t n, uint32_t bulk_moves)
{
	const struct qemu_plugin_insn *last = qemu_plugin_tb_get_insn(tb, n - 1);
	uint64_t target;

	if (qemu_plugin_tb_vaddr(tb) >= KERNEL_BASE || bulk_moves * 4 < n)
		return false;
	return decode_is_cond_jump(qemu_plugin_insn_data(last), qemu_plugin_insn_size(last),
				   qemu_plugin_insn_vaddr(last), &target) &&
	       target == qemu_plugin_tb_vaddr(tb);
}

static void on_translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	size_t n = qemu_plugin_tb_n_insns(tb);
	uint32_t copies = 0, bulk_moves = 0;
	struct block *b;
	unsigned int code;

	(void)id;
	for (size_t i = 0; i < n; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		const uint8_t *data = qemu_plugin_insn_data(insn);
		size_t len = qemu_plugin_insn_size(insn);

		copies += decode_is_rep_copy(data, len);
		bulk_moves += decode_is_bulk_move(data, len);
		if (decode_is_marker(data, len, &code))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, on_marker,
							       QEMU_PLUGIN_CB_NO_REGS,
							       (void *)(uintptr_t)code);
	}
	if (is_copy_loop(tb, n, bulk_moves))
		copies = (uint32_t)n;
	b = get_block(qemu_plugin_tb_vaddr(tb), (uint32_t)n, copies);
	qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64, &b->execs, 1);
	if (trace_is_wanted())
		qemu_plugin_register_vcpu_tb_exec_cb(tb, on_block, QEMU_PLUGIN_CB_NO_REGS, b);
}

static void close_out(qemu_plugin_id_t id, void *userdata)
{
	(void)id;
	(void)userdata;
	if (counter.running)
		fprintf(stderr, "tcgcount: interval %" PRIu32 " was never stopped\n",
			counter.running_tag);
	if (fclose(counter.out) != 0)
		fprintf(stderr, "tcgcount: cannot write the counts: %s\n", strerror(errno));
	trace_close();
}

/* The value of an argument KEY=VALUE; NULL: it was not given. */
static const char *find_value(const char *key, int argc, char **argv)
{
	size_t len = strlen(key);

	for (int i = 0; i < argc; i++)
		if (strncmp(argv[i], key, len) == 0 && argv[i][len] == '=')
			return argv[i] + len + 1;
	return NULL;
}

int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv)
{
	const char *path = find_value("out", argc, argv);
	const char *trace = find_value("trace", argc, argv);

	if (strcmp(info->target_name, "x86_64") != 0 || !info->system_emulation) {
		fprintf(stderr, "tcgcount: only for qemu-system-x86_64\n");
		return -1;
	}
	if (!path) {
		fprintf(stderr, "tcgcount: out=FILE is missing\n");
		return -1;
	}
	counter.out = fopen(path, "w");
	if (!counter.out) {
		fprintf(stderr, "tcgcount: cannot create %s: %s\n", path, strerror(errno));
		return -1;
	}
	if (trace && trace_open(trace))
		return -1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
	qemu_plugin_register_atexit_cb(id, close_out, NULL);
	return 0;
}
