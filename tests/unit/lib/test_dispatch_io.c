// SPDX-License-Identifier: BSD-2-Clause
/*
 * Dispatch through the fake channel with probefs: data by both ways, blocks and their puts,
 * space, attributes of variable size, ioctl.
 */
#define _GNU_SOURCE
#include "dispatch_fixture.h"

#include <endian.h>
#include <linux/fs.h>
#include <unistd.h>
#include <zus/thread.h>

/* ---- data, mapped way ---- */

static void read_returns_what_was_written(void **state)
{
	static char out[3 * 4096], in[sizeof(out)];

	(void)state;
	memset(out, 'k', sizeof(out));
	assert_int_equal(fake_write(fx.t, fx.f0, out, sizeof(out), 100), sizeof(out));
	assert_int_equal(le64toh(fx.f0.zi->i_size), 100 + sizeof(out));
	assert_int_equal(fake_read(fx.t, fx.f0, in, sizeof(in), 100), sizeof(in));
	assert_memory_equal(in, out, sizeof(in));
	assert_int_equal(fake_read(fx.t, fx.f0, in, sizeof(in), 100 + sizeof(out) - 3), 3);
	assert_int_equal(fake_read(fx.t, fx.f0, in, 1, 1 << 20), 0);
}

static void write_reports_flags_and_stale_mappings(void **state)
{
	struct zufs_ioc_IO *ioc = fake_msg(fx.t, ZUFS_OP_WRITE, sizeof(*ioc));

	(void)state;
	fx.p->ret_flags = ZUFS_RET_NEW;
	ioc->zus_ii = fx.f0.ii;
	ioc->filepos = 10;
	memcpy(fake_window(fx.t, 5), "hello", 5);
	assert_int_equal(fake_send(fx.t), 0);
	assert_int_equal(ioc->last_pos, 15);
	assert_int_equal(ioc->ret_flags, ZUFS_RET_NEW);
	assert_int_equal(ioc->wr_unmap.offset, 4096);
	assert_int_equal(ioc->wr_unmap.len, 8192);
	assert_int_equal(ioc->hdr.out_len, sizeof(*ioc));
}

static void impossible_byte_counts_are_errors(void **state)
{
	char buf[16];

	(void)state;
	fx.p->use_size_result = true;
	fx.p->size_result = 17;
	assert_int_equal(fake_write(fx.t, fx.f0, buf, 16, 0), -EIO);
	fx.p->size_result = 6;
	assert_int_equal(fake_write(fx.t, fx.f0, "0123456", 6, 0), 6);
	fx.p->size_result = -ENOSPC;
	assert_int_equal(fake_write(fx.t, fx.f0, buf, 16, 0), -ENOSPC);
	fx.p->size_result = -EZUFS_RETRY;
	assert_int_equal(fake_write(fx.t, fx.f0, buf, 16, 0), -EIO);
}

static void data_outside_of_the_window_is_refused(void **state)
{
	struct zufs_ioc_IO *ioc = fake_msg(fx.t, ZUFS_OP_READ, sizeof(*ioc));

	(void)state;
	clear_log();
	ioc->zus_ii = fx.f0.ii;
	ioc->hdr.offset = ZUS_API_MAP_MAX_SIZE - 8;
	ioc->hdr.len = 9;
	assert_int_equal(fake_send(fx.t), -EINVAL);
	ioc = fake_msg(fx.t, ZUFS_OP_READ, sizeof(*ioc));
	ioc->zus_ii = fx.f0.ii;
	ioc->hdr.offset = 8;
	ioc->hdr.len = UINT32_MAX;
	assert_int_equal(fake_send(fx.t), -EINVAL);
	assert_string_equal(fx.p->log, "");
}

static void retry_runs_the_list_and_starts_over(void **state)
{
	uint64_t *page = zus_t1_addr(fake_md(fx.f), probe_block(1, 0));
	char buf[8];

	(void)state;
	clear_log();
	fx.f0.zi->i_size = htole64(4096);
	memset(page, 'A', 4096);
	fx.p->retries = 2;
	assert_int_equal(fake_read(fx.t, fx.f0, buf, 8, 0), 8);
	assert_string_equal(fx.p->log, "rrr");
	assert_int_equal(fx.p->list_result, 0);
	assert_int_equal(page[0], 0);		/* T2 block 3 is all zeros */
	fake_fail(fx.f, FAKE_DEVICE, 1);
	fx.p->retries = 1;
	assert_int_equal(fake_read(fx.t, fx.f0, buf, 8, 0), 8);
	assert_int_equal(fx.p->list_result, -EIO);
}

static void signal_and_cpu_are_the_operations(void **state)
{
	char buf[8];

	(void)state;
	fx.f0.zi->i_size = htole64(4096);
	assert_int_equal(fake_read(fx.t, fx.f0, buf, 8, 0), 8);
	assert_false(fx.p->saw_signal);
	assert_int_equal(fx.p->cpu, 3);
	fake_interrupt(fx.t, true);
	assert_int_equal(fake_read(fx.t, fx.f0, buf, 8, 0), 8);
	assert_true(fx.p->saw_signal);
	fake_interrupt(fx.t, false);
	assert_false(zus_signal_pending());
}

/* ---- blocks ---- */

static void nio_moves_data_and_puts_every_get(void **state)
{
	static char out[5 * 4096], in[sizeof(out)];

	(void)state;
	memset(out, 'n', sizeof(out));
	assert_int_equal(fake_write(fx.t, fx.f0, out, sizeof(out), 4000), sizeof(out));
	assert_int_equal(fake_read(fx.t, fx.f0, in, sizeof(in), 4000), sizeof(in));
	assert_memory_equal(in, out, sizeof(in));
	assert_int_equal(fake_gets(fx.f), 2);
	assert_int_equal(fake_goose(fx.t, 0), 0);
	assert_int_equal(fake_puts(fx.f), 2);
	assert_int_equal(fx.p->files[0].gets, 0);
	assert_null(strchr(fx.p->log, '!'));
}

static void puts_ride_along_before_the_operation(void **state)
{
	char buf[16];

	(void)state;
	fx.f0.zi->i_size = htole64(4096);
	clear_log();
	assert_int_equal(fake_read(fx.t, fx.f0, buf, 16, 0), 16);
	assert_int_equal(fake_read(fx.t, fx.f0, buf, 16, 0), 16);
	assert_int_equal(fake_setattr(fx.t, fx.f0, 2), 0);
	/* the second get carried the first put, setattr the second one */
	assert_string_equal(fx.p->log, "GPGPT");
	assert_int_equal(fx.p->last_cookie, 1001);
}

static void new_blocks_are_put_at_once(void **state)
{
	(void)state;
	fx.p->ret_flags = ZUFS_RET_NEW;
	clear_log();
	assert_int_equal(fake_write(fx.t, fx.f0, "x", 1, 0), 1);
	assert_string_equal(fx.p->log, "GP");
}

static void truncate_gooses_puts_of_all_threads(void **state)
{
	struct fake_thread *other = fake_thread_create(fx.f, 1);
	char buf[16];

	(void)state;
	fx.f0.zi->i_size = htole64(4096);
	assert_int_equal(fake_read(other, fx.f0, buf, 16, 0), 16);
	assert_int_equal(fx.p->files[0].gets, 1);
	assert_int_equal(fake_truncate(fx.t, fx.f0, 0), 0);
	assert_null(strchr(fx.p->log, '!'));
	assert_non_null(strchr(fx.p->log, 't'));
	fake_thread_destroy(other);
}

static void short_get_is_short_io(void **state)
{
	struct zufs_ioc_IO *ioc = fake_msg(fx.t, ZUFS_OP_GET_MULTY, sizeof(*ioc));

	(void)state;
	fx.p->get_limit = 2;
	ioc->zus_ii = fx.f0.ii;
	ioc->filepos = 1000;
	ioc->hdr.len = 5 * 4096;
	assert_int_equal(fake_send(fx.t), 0);
	assert_int_equal(ioc->last_pos, 2 * 4096);
	assert_int_equal(ioc->ziom.iom_n, 2);
	assert_int_equal(ioc->ziom.iom_max, 2);
	assert_int_equal(ioc->hdr.out_len, 136);
	assert_int_equal(ioc->iom_e[1],
			 (uint64_t)IOM_T1_READ << 56 | probe_block(1, 1) << 3);
	fx.p->files[0].gets = 0;
}

static void get_covers_up_to_1024_pages(void **state)
{
	struct zufs_ioc_IO *ioc = fake_msg(fx.t, ZUFS_OP_GET_MULTY, sizeof(*ioc));

	(void)state;
	ioc->zus_ii = fx.f0.ii;
	ioc->hdr.len = ZUS_API_MAP_MAX_SIZE;
	assert_int_equal(fake_send(fx.t), 0);
	assert_int_equal(ioc->ziom.iom_n, 1024);
	assert_int_equal(ioc->hdr.out_len, 120 + 8 * 1024);
	assert_int_equal(ioc->last_pos, ZUS_API_MAP_MAX_SIZE);
	fx.p->files[0].gets = 0;
}

static void get_without_a_block_is_an_error(void **state)
{
	uint64_t bn;

	(void)state;
	fx.p->get_limit = UINT32_MAX;
	assert_int_equal(fake_get(fx.t, fx.f0, 0, 4096, 0, &bn, 1), -EIO);
	fx.p->result = -ENOSPC;
	assert_int_equal(fake_get(fx.t, fx.f0, 0, 4096, 0, &bn, 1), -ENOSPC);
	fx.p->result = 0;
}

static void malformed_puts_are_not_executed(void **state)
{
	struct zufs_ioc_hdr *hdr = fake_msg(fx.t, ZUFS_OP_NOOP, sizeof(*hdr));
	struct zufs_ioc_IO *put = (struct zufs_ioc_IO *)(hdr + 1);

	(void)state;
	clear_log();
	hdr->flags = ZUFS_H_HAS_PIGY_PUT;
	memset(put, 0, sizeof(*put));
	put->hdr.operation = ZUFS_OP_PUT_MULTY;
	put->hdr.in_len = 128;
	put->zus_ii = fx.f0.ii;
	put->ziom.iom_n = 2;		/* there is room for one word only */
	assert_int_equal(fake_send(fx.t), 0);
	hdr = fake_msg(fx.t, ZUFS_OP_NOOP, sizeof(*hdr));
	hdr->flags = ZUFS_H_HAS_PIGY_PUT;
	memset(put, 0, sizeof(*put));
	put->hdr.operation = ZUFS_OP_SETATTR;
	put->hdr.in_len = sizeof(*put);
	put->zus_ii = fx.f0.ii;
	assert_int_equal(fake_send(fx.t), 0);
	assert_string_equal(fx.p->log, "");
}

/* A message that gives a handle back, behind another one. */
static struct zufs_ioc_evict_inode *rider(struct zufs_ioc_hdr *before, unsigned int operation,
					  uint64_t ii, uint64_t flags)
{
	struct zufs_ioc_evict_inode *msg = (void *)((char *)before + before->in_len);

	before->flags = ZUFS_H_HAS_PIGY_PUT;
	*msg = (struct zufs_ioc_evict_inode){
		.hdr.operation = (uint16_t)operation,
		.hdr.in_len = sizeof(*msg),
		.zus_ii = ii,
		.flags = flags,
	};
	return msg;
}

static void evicts_ride_along_in_their_order(void **state)
{
	struct zufs_ioc_evict_inode *msg;
	struct zufs_ioc_attr *attr;
	struct fake_node again;

	(void)state;
	assert_int_equal(fake_lookup(fx.t, fx.root, "f0", &again), 0);
	clear_log();
	attr = fake_msg(fx.t, ZUFS_OP_SETATTR, sizeof(*attr));
	attr->zus_ii = fx.f1.ii;
	msg = rider(&attr->hdr, ZUFS_OP_EVICT_INODE, again.ii, ZI_LOOKUP_RACE);
	rider(&msg->hdr, ZUFS_OP_FREE_INODE, fx.f0.ii, 0);
	assert_int_equal(fake_send(fx.t), 0);
	assert_string_equal(fx.p->log, "EFT");
}

/* ---- space and the rest ---- */

static void space_operations_pass_their_ranges(void **state)
{
	uint64_t off = 7, unmapped;

	(void)state;
	assert_int_equal(fake_truncate(fx.t, fx.f0, 5000), 0);
	assert_int_equal(fx.p->last_pos, 5000);
	assert_int_equal(le64toh(fx.f0.zi->i_size), 5000);
	assert_int_equal(fake_fallocate(fx.t, fx.f0, 3, 4096, 8192), 0);
	assert_int_equal(fx.p->last_pos, 4096);
	assert_int_equal(fx.p->last_len, 8192);
	assert_int_equal(fx.p->last_rw, 3);
	assert_int_equal(fake_seek(fx.t, fx.f0, SEEK_HOLE, &off), 0);
	assert_int_equal(off, 12);
	assert_int_equal(fake_clone(fx.t, fx.f0, fx.f1, 0, 4096, 100, 4096), 0);
	assert_ptr_equal(fx.p->seen_a, &fx.p->files[0]);
	assert_int_equal(fx.p->last_len, 4096);
	assert_int_equal(fake_sync(fx.t, fx.f0, 1, 2, ZUFS_SF_DATASYNC, &unmapped), 0);
	assert_int_equal(unmapped, 9);
	assert_int_equal(fx.p->last_flags, ZUFS_SF_DATASYNC);
	assert_int_equal(fake_pre_read(fx.t, fx.f0, 3, 5), 0);
	assert_int_equal(fx.p->last_pos, 3 * 4096);
	assert_int_equal(fx.p->last_len, 5 * 4096);
	assert_int_equal(fake_mmap_close(fx.t, fx.f0), 0);
}

static void fiemap_fills_or_counts(void **state)
{
	struct fiemap_extent e[4];
	uint32_t n = 0;

	(void)state;
	assert_int_equal(fake_fiemap(fx.t, fx.f0, 0, 1 << 20, e, 4, &n), 0);
	assert_int_equal(n, 3);
	assert_int_equal(e[1].fe_physical, 8192);
	assert_int_equal(e[2].fe_flags, 1);
	assert_int_equal(fake_fiemap(fx.t, fx.f0, 0, 1 << 20, e, 2, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(fake_fiemap(fx.t, fx.f0, 0, 1 << 20, e, 0, &n), 0);
	assert_int_equal(n, 3);
}

static void statfs_is_filled_in(void **state)
{
	struct statfs64 st;

	(void)state;
	assert_int_equal(fake_statfs(fx.t, &st), 0);
	assert_int_equal(st.f_type, 0x50524f42);
	assert_int_equal(st.f_bsize, 4096);
	assert_int_equal(st.f_namelen, 255);
	assert_int_equal(st.f_blocks, 4096);
}

static void options_text_is_bounded(void **state)
{
	char buf[600];

	(void)state;
	assert_int_equal(fake_show_options(fx.t, buf, sizeof(buf)), 8);
	assert_string_equal(buf, ",probe=1");
	assert_int_equal(fx.p->last_len, ZUFS_MO_MAX);
	fx.p->use_size_result = true;
	fx.p->size_result = ZUFS_MO_MAX + 1;
	assert_int_equal(fake_show_options(fx.t, buf, sizeof(buf)), -EIO);
}

/* ---- xattr ---- */

static void xattr_values_go_both_ways(void **state)
{
	char buf[64];

	(void)state;
	assert_int_equal(fake_setxattr(fx.t, fx.f0, ZUFS_XATTR_USER, "nm", "value", 5, 1), 0);
	assert_string_equal(fx.p->text, "nm");
	assert_int_equal(fx.p->last_flags, 1);
	assert_int_equal(fake_getxattr(fx.t, fx.f0, ZUFS_XATTR_USER, "nm", NULL, 0), 5);
	assert_int_equal(fake_getxattr(fx.t, fx.f0, ZUFS_XATTR_USER, "nm", buf, 64), 5);
	assert_memory_equal(buf, "value", 5);
	assert_int_equal(fake_getxattr(fx.t, fx.f0, ZUFS_XATTR_USER, "nm", buf, 2), -ERANGE);
	clear_log();
	assert_int_equal(fake_setxattr(fx.t, fx.f0, ZUFS_XATTR_USER, "nm", "", 0, 0), 0);
	assert_int_equal(fake_setxattr(fx.t, fx.f0, ZUFS_XATTR_USER, "nm", NULL, 0, 0), 0);
	assert_string_equal(fx.p->log, "xX");
	assert_int_equal(fake_listxattr(fx.t, fx.f0, buf, 64, false), 7);
	assert_int_equal(fake_listxattr(fx.t, fx.f0, buf, 64, true), 17);
	assert_int_equal(fake_listxattr(fx.t, fx.f0, buf, 3, false), -ERANGE);
}

static void too_large_xattr_is_e2big(void **state)
{
	struct zufs_ioc_xattr *ioc = fake_msg(fx.t, ZUFS_OP_XATTR_GET, sizeof(*ioc) + 2);

	(void)state;
	ioc->zus_ii = fx.f0.ii;
	ioc->type = ZUFS_XATTR_USER;
	ioc->name_len = 2;
	memcpy(ZUFS_TAIL(ioc, buf), "a", 2);
	ioc->user_buf_size = 65536;
	fx.p->use_size_result = true;
	fx.p->size_result = -ERANGE;
	assert_int_equal(fake_send(fx.t), -E2BIG);
	assert_true(fx.p->last_len < 65536);
}

static struct zufs_ioc_xattr *window_msg(unsigned int operation, uint32_t size)
{
	struct zufs_ioc_xattr *ioc = fake_msg(fx.t, operation, sizeof(*ioc) + 2);

	ioc->hdr.out_start = offsetof(struct zufs_ioc_xattr, user_buf_size);
	ioc->hdr.out_len = sizeof(ioc->user_buf_size);
	ioc->zus_ii = fx.f0.ii;
	ioc->type = ZUFS_XATTR_USER;
	ioc->name_len = 2;
	memcpy(ZUFS_TAIL(ioc, buf), "a", 2);
	ioc->ioc_flags = ZUFS_XATTR_WINDOW;
	ioc->user_buf_size = size;
	return ioc;
}

static void xattr_window_takes_what_the_message_cannot(void **state)
{
	struct zufs_ioc_xattr *ioc;
	char *win;

	(void)state;
	ioc = window_msg(ZUFS_OP_XATTR_SET, 7);
	memcpy(fake_window(fx.t, 7), "through", 7);
	assert_int_equal(fake_send(fx.t), 0);
	ioc = window_msg(ZUFS_OP_XATTR_GET, 65536);
	win = fake_window(fx.t, 65536);
	assert_int_equal(fake_send(fx.t), 0);
	assert_int_equal(fx.p->last_len, 65536);
	assert_int_equal(ioc->user_buf_size, 7);
	assert_int_equal(ioc->hdr.out_len, sizeof(ioc->user_buf_size));
	assert_memory_equal(win, "through", 7);
	ioc = window_msg(ZUFS_OP_XATTR_LIST, 65536);
	win = fake_window(fx.t, 65536);
	assert_int_equal(fake_send(fx.t), 0);
	assert_int_equal(ioc->user_buf_size, 7);
	assert_string_equal(win, "user.a");
}

static void xattr_outside_of_the_window_is_refused(void **state)
{
	static const unsigned int ops[] = {
		ZUFS_OP_XATTR_GET, ZUFS_OP_XATTR_SET, ZUFS_OP_XATTR_LIST,
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(ops); i++) {
		struct zufs_ioc_xattr *ioc = window_msg(ops[i], 100);

		fake_window(fx.t, 99);
		assert_int_equal(fake_send(fx.t), -EINVAL);
		ioc = window_msg(ops[i], 100);
		fake_window(fx.t, 100);
		ioc->hdr.offset = ZUS_API_MAP_MAX_SIZE - 99;
		assert_int_equal(fake_send(fx.t), -EINVAL);
	}
}

static void malformed_xattr_names_are_refused(void **state)
{
	static const struct { uint16_t name_len; uint32_t type; const char *name; } cases[] = {
		{ 0, ZUFS_XATTR_USER, "abc" },	/* no name */
		{ 3, ZUFS_XATTR_USER, "abc" },	/* no NUL */
		{ 4, ZUFS_XATTR_USER, "a\0c" },	/* a NUL too early */
		{ 4, 9, "abc" },		/* no such type */
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct zufs_ioc_xattr *ioc = fake_msg(fx.t, ZUFS_OP_XATTR_GET, sizeof(*ioc) + 4);

		ioc->zus_ii = fx.f0.ii;
		ioc->type = cases[i].type;
		ioc->name_len = cases[i].name_len;
		memcpy(ZUFS_TAIL(ioc, buf), cases[i].name, 4);
		assert_int_equal(fake_send(fx.t), -EINVAL);
	}
}

/* The longest name, and the same one where the message ends before its NUL. */
static void xattr_names_end_in_their_message(void **state)
{
	static const uint16_t lens[] = { 2, 60, ZUFS_NAME_LEN + 1, ZUFS_NAME_LEN + 2 };
	struct zufs_ioc_xattr *ioc;
	char *name;
	size_t i;

	(void)state;
	for (i = 0; i < 2 * ARRAY_LEN(lens); i++) {
		uint16_t len = lens[i / 2], cut = i & 1;

		ioc = fake_msg(fx.t, ZUFS_OP_XATTR_GET, sizeof(*ioc) + len - cut);
		ioc->zus_ii = fx.f0.ii;
		ioc->type = ZUFS_XATTR_USER;
		ioc->name_len = len;
		name = ZUFS_TAIL(ioc, buf);
		memset(name, 'n', len - 1U);
		name[len - 1] = 0;
		assert_int_equal(fake_send(fx.t), cut || len > ZUFS_NAME_LEN + 1 ? -EINVAL : 0);
	}
}

/* ---- ioctl ---- */

static void ioctl_argument_goes_both_ways(void **state)
{
	char arg[64] = "in";

	(void)state;
	assert_int_equal(fake_ioctl(fx.t, fx.f0, PROBE_IOC, arg, sizeof(arg)), 16);
	assert_int_equal(arg[15], 'z');
	assert_int_equal(arg[16], 0);
	fx.p->result = -EPERM;
	assert_int_equal(fake_ioctl(fx.t, fx.f0, PROBE_IOC, arg, sizeof(arg)), -EPERM);
	fx.p->result = 0;
}

static void ioctl_may_ask_for_more_once(void **state)
{
	char arg[64] = "in";

	(void)state;
	clear_log();
	fx.p->last_rw = ZUFS_IOC_REALLOC;
	assert_int_equal(fake_ioctl(fx.t, fx.f0, PROBE_IOC, arg, sizeof(arg)), 24);
	fx.p->last_rw = ZUFS_IOC_FREEZE_REQ;
	assert_int_equal(fake_ioctl(fx.t, fx.f0, PROBE_IOC, arg, sizeof(arg)), 16);
	assert_string_equal(fx.p->log, "OOOZ");
	fx.p->last_rw = 99;
	assert_int_equal(fake_ioctl(fx.t, fx.f0, PROBE_IOC, arg, sizeof(arg)), -EIO);
}

static void ioctls_are_listed_once(void **state)
{
	struct zufs_ioctl_info list[ZUFS_IOCTLS_MAX];

	(void)state;
	assert_true(fake_mount_info(fx.f)->fs_caps & ZUFS_FSC_IOCTLS);
	assert_int_equal(fake_ioctls(fx.t, list, ZUFS_IOCTLS_MAX), 2);
	assert_int_equal(list[0].cmd, PROBE_IOC);
	assert_int_equal(list[0].flags, ZUFS_IOCTL_GROWS | ZUFS_IOCTL_ANSWERS);
	assert_int_equal(list[1].flags, ZUFS_IOCTL_CHANGES);
	fx.p->result = ZUFS_IOCTLS_MAX;
	assert_int_equal(fake_ioctls(fx.t, list, ZUFS_IOCTLS_MAX), ZUFS_IOCTLS_MAX);
	fx.p->result = ZUFS_IOCTLS_MAX + 1;
	assert_int_equal(fake_ioctls(fx.t, list, ZUFS_IOCTLS_MAX), -E2BIG);
	fx.p->result = -ENOMEM;
	assert_int_equal(fake_ioctls(fx.t, list, ZUFS_IOCTLS_MAX), -ENOMEM);
	fx.p->result = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(read_returns_what_was_written),
		T(write_reports_flags_and_stale_mappings),
		T(impossible_byte_counts_are_errors),
		T(data_outside_of_the_window_is_refused),
		T(retry_runs_the_list_and_starts_over),
		T(signal_and_cpu_are_the_operations),
		TN(nio_moves_data_and_puts_every_get),
		TN(puts_ride_along_before_the_operation),
		TN(evicts_ride_along_in_their_order),
		TN(new_blocks_are_put_at_once),
		TN(truncate_gooses_puts_of_all_threads),
		TN(short_get_is_short_io),
		TN(get_covers_up_to_1024_pages),
		TN(get_without_a_block_is_an_error),
		TN(malformed_puts_are_not_executed),
		T(space_operations_pass_their_ranges),
		T(fiemap_fills_or_counts),
		T(statfs_is_filled_in),
		T(options_text_is_bounded),
		T(xattr_values_go_both_ways),
		T(too_large_xattr_is_e2big),
		T(xattr_window_takes_what_the_message_cannot),
		T(xattr_outside_of_the_window_is_refused),
		T(malformed_xattr_names_are_refused),
		T(xattr_names_end_in_their_message),
		T(ioctl_argument_goes_both_ways),
		T(ioctl_may_ask_for_more_once),
		T(ioctls_are_listed_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
