/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * trace.h - tracepoints of the module, in tracefs below events/zuf
 *
 * A tracepoint that is off is one instruction that does nothing. `sb` is the id of a super-block in
 * its root (0: none), `op` the number of the interface with its name, `tag` distinguishes
 * the puts of one inode from others. docs/observe.md shows what to do with them.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM zuf

#if !defined(ZUF_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define ZUF_TRACE_H

#include <linux/fs.h>
#include <linux/tracepoint.h>
#include "stats.h"

/* Tools that read the format of an event know no enumerators: export their values. */
#define ZUF_TRACE_ENUM(name)	TRACE_DEFINE_ENUM(ZUFS_OP_##name);
ZUFS_OPS(ZUF_TRACE_ENUM)

#define ZUF_TRACE_OP(name)	{ ZUFS_OP_##name, #name },
#define ZUF_TRACE_OPS		ZUFS_OPS(ZUF_TRACE_OP) { 0, "none" }

/* A message is handed to the server; @puts go along. */
TRACE_EVENT(zuf_dispatch,
	TP_PROTO(u64 sb, u64 ino, u16 op, u16 in_len, u32 len, u32 puts, u32 cpu, u32 chan),
	TP_ARGS(sb, ino, op, in_len, len, puts, cpu, chan),
	TP_STRUCT__entry(
		__field(u64, sb)
		__field(u64, ino)
		__field(u16, op)
		__field(u16, in_len)
		__field(u32, len)
		__field(u32, puts)
		__field(u32, cpu)
		__field(u32, chan)
	),
	TP_fast_assign(
		__entry->sb = sb;
		__entry->ino = ino;
		__entry->op = op;
		__entry->in_len = in_len;
		__entry->len = len;
		__entry->puts = puts;
		__entry->cpu = cpu;
		__entry->chan = chan;
	),
	TP_printk("sb=%llu op=%s ino=%llu in=%u len=%u puts=%u chan=%u.%u",
		  __entry->sb, __print_symbolic(__entry->op, ZUF_TRACE_OPS), __entry->ino,
		  __entry->in_len, __entry->len, __entry->puts, __entry->cpu, __entry->chan)
);

/* How a message ended: @err as the VFS sees it; lost: the application was killed. */
TRACE_EVENT(zuf_answer,
	TP_PROTO(u64 sb, u64 ino, u16 op, u16 answered, bool lost, int err),
	TP_ARGS(sb, ino, op, answered, lost, err),
	TP_STRUCT__entry(
		__field(u64, sb)
		__field(u64, ino)
		__field(u16, op)
		__field(u16, answered)
		__field(int, err)
		__field(bool, lost)
	),
	TP_fast_assign(
		__entry->sb = sb;
		__entry->ino = ino;
		__entry->op = op;
		__entry->answered = answered;
		__entry->err = err;
		__entry->lost = lost;
	),
	TP_printk("sb=%llu op=%s ino=%llu err=%d out=%u%s",
		  __entry->sb, __print_symbolic(__entry->op, ZUF_TRACE_OPS), __entry->ino,
		  __entry->err, __entry->answered, __entry->lost ? " lost" : "")
);

/* The end of a page fault: @order of what was mapped; @result: VM_FAULT_*. */
TRACE_EVENT(zuf_fault,
	TP_PROTO(u64 sb, u64 ino, pgoff_t pgoff, unsigned int flags, unsigned int order,
		 unsigned int result),
	TP_ARGS(sb, ino, pgoff, flags, order, result),
	TP_STRUCT__entry(
		__field(u64, sb)
		__field(u64, ino)
		__field(u64, pgoff)
		__field(u32, flags)
		__field(u32, order)
		__field(u32, result)
	),
	TP_fast_assign(
		__entry->sb = sb;
		__entry->ino = ino;
		__entry->pgoff = pgoff;
		__entry->flags = flags;
		__entry->order = order;
		__entry->result = result;
	),
	TP_printk("sb=%llu ino=%llu pgoff=%llu flags=%#x order=%u result=%#x",
		  __entry->sb, __entry->ino, __entry->pgoff, __entry->flags, __entry->order,
		  __entry->result)
);

TRACE_DEFINE_ENUM(ZUF_EV_PUT_QUEUED);
TRACE_DEFINE_ENUM(ZUF_EV_PUT_RODE);
TRACE_DEFINE_ENUM(ZUF_EV_PUT_ALONE);
TRACE_DEFINE_ENUM(ZUF_EV_PUT_DEADLINE);
TRACE_DEFINE_ENUM(ZUF_EV_PUT_DROPPED);

#define ZUF_TRACE_PUTS							\
	{ ZUF_EV_PUT_QUEUED, "queued" }, { ZUF_EV_PUT_RODE, "rode" },	\
	{ ZUF_EV_PUT_ALONE, "alone" }, { ZUF_EV_PUT_DEADLINE, "deadline" }, \
	{ ZUF_EV_PUT_DROPPED, "dropped" }

/* What became of @nr puts that waited on a CPU. */
TRACE_EVENT(zuf_put,
	TP_PROTO(int event, int cpu, u32 nr),
	TP_ARGS(event, cpu, nr),
	TP_STRUCT__entry(
		__field(int, event)
		__field(int, cpu)
		__field(u32, nr)
	),
	TP_fast_assign(
		__entry->event = event;
		__entry->cpu = cpu;
		__entry->nr = nr;
	),
	TP_printk("%s cpu=%d puts=%u", __print_symbolic(__entry->event, ZUF_TRACE_PUTS),
		  __entry->cpu, __entry->nr)
);

/* The @pending puts (and messages of killed applications) of an inode are flushed. */
TRACE_EVENT(zuf_goose,
	TP_PROTO(u64 sb, const void *tag, int pending),
	TP_ARGS(sb, tag, pending),
	TP_STRUCT__entry(
		__field(u64, sb)
		__field(const void *, tag)
		__field(int, pending)
	),
	TP_fast_assign(
		__entry->sb = sb;
		__entry->tag = tag;
		__entry->pending = pending;
	),
	TP_printk("sb=%llu tag=%p pending=%d", __entry->sb, __entry->tag, __entry->pending)
);

/* The server wants a list of @words executed before it goes on. */
TRACE_EVENT(zuf_retry,
	TP_PROTO(u64 sb, u64 ino, u16 op, u32 words),
	TP_ARGS(sb, ino, op, words),
	TP_STRUCT__entry(
		__field(u64, sb)
		__field(u64, ino)
		__field(u16, op)
		__field(u32, words)
	),
	TP_fast_assign(
		__entry->sb = sb;
		__entry->ino = ino;
		__entry->op = op;
		__entry->words = words;
	),
	TP_printk("sb=%llu op=%s ino=%llu words=%u", __entry->sb,
		  __print_symbolic(__entry->op, ZUF_TRACE_OPS), __entry->ino, __entry->words)
);

TRACE_EVENT(zuf_iomap_start,
	TP_PROTO(const void *list, u32 words, u32 flags),
	TP_ARGS(list, words, flags),
	TP_STRUCT__entry(
		__field(const void *, list)
		__field(u32, words)
		__field(u32, flags)
	),
	TP_fast_assign(
		__entry->list = list;
		__entry->words = words;
		__entry->flags = flags;
	),
	TP_printk("list=%p words=%u flags=%#x", __entry->list, __entry->words, __entry->flags)
);

TRACE_EVENT(zuf_iomap_done,
	TP_PROTO(const void *list, int err),
	TP_ARGS(list, err),
	TP_STRUCT__entry(
		__field(const void *, list)
		__field(int, err)
	),
	TP_fast_assign(
		__entry->list = list;
		__entry->err = err;
	),
	TP_printk("list=%p err=%d", __entry->list, __entry->err)
);

DECLARE_EVENT_CLASS(zuf_server,
	TP_PROTO(u32 gen, int pid),
	TP_ARGS(gen, pid),
	TP_STRUCT__entry(
		__field(u32, gen)
		__field(int, pid)
	),
	TP_fast_assign(
		__entry->gen = gen;
		__entry->pid = pid;
	),
	TP_printk("gen=%u pid=%d", __entry->gen, __entry->pid)
);

/* A process has become the server of a root (up), or has ceased to be it (down). */
DEFINE_EVENT(zuf_server, zuf_server_up, TP_PROTO(u32 gen, int pid), TP_ARGS(gen, pid));
DEFINE_EVENT(zuf_server, zuf_server_down, TP_PROTO(u32 gen, int pid), TP_ARGS(gen, pid));

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
