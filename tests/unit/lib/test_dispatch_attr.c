// SPDX-License-Identifier: BSD-2-Clause
/*
 * Dispatch of what answers with a length: options, labels, xattrs, ioctls. Each answer that
 * fits exactly, and the one that is a byte too long. The plugin is probefs with operations that
 * answer what a test has prepared.
 */
#define _GNU_SOURCE
#include "dispatch_fixture.h"

static struct {
	struct zus_ioctl ioctl;		/* what the next one answers */
	int result;			/* of ioctl, label and ioctls */
	char label[ZUFS_LABEL_SIZE];	/* the last that was set */
	unsigned int calls;
} seen;

static int see_get_label(struct zus_sb *sb, char *label)
{
	(void)sb;
	memcpy(label, "ab", 2);
	return seen.result;
}

static int see_set_label(struct zus_sb *sb, const char *label)
{
	(void)sb;
	seen.calls++;
	memcpy(seen.label, label, sizeof(seen.label));
	return seen.result;
}

static int see_ioctl(struct zus_ii *ii, struct zus_ioctl *a)
{
	(void)ii;
	a->uflags = seen.ioctl.uflags;
	a->want_size = seen.ioctl.want_size;
	a->out_size = seen.ioctl.out_size;
	return seen.result;
}

static int see_ioctls(struct zus_sb *sb, const struct zufs_ioctl_info **list)
{
	static const struct zufs_ioctl_info info[ZUFS_IOCTLS_MAX + 1] = { { .cmd = 7 } };

	(void)sb;
	*list = info;
	return seen.result;
}

static int setup_seen(void **state)
{
	static struct zus_fs_ops ops;
	static struct zus_plugin plugin;

	(void)state;
	memset(&seen, 0, sizeof(seen));
	ops = probe_ops;
	ops.get_label = see_get_label;
	ops.set_label = see_set_label;
	ops.ioctl = see_ioctl;
	ops.ioctls = see_ioctls;
	plugin = probe_plugin;
	plugin.ops = &ops;
	start_with(&plugin, "");
	assert_int_equal(fake_lookup(fx.t, fx.root, "f0", &fx.f0), 0);
	return 0;
}

/* ---- super-block ---- */

static void statfs_begins_with_zeros(void **state)
{
	struct statfs64 st;

	(void)state;
	assert_int_equal(fake_statfs(fx.t, &st), 0);
	assert_int_equal(st.f_frsize, 4096);
	assert_int_equal(st.f_files, 0);
	assert_int_equal(st.f_bfree, 0);
	fx.p->result = -EIO;
	assert_int_equal(fake_statfs(fx.t, &st), -EIO);
	fx.p->result = 0;
}

/* What the plugin may write when the buffer has room for `room` bytes of text. */
static uint64_t options_room(size_t room, uint16_t out_max)
{
	struct zufs_ioc_mount_options *msg;

	msg = raw_message(sizeof(*msg) + room, ZUFS_OP_SHOW_OPTIONS, sizeof(*msg));
	msg->hdr.out_max = out_max;
	msg->zus_sbi = fake_mount_info(fx.f)->zus_sbi;
	assert_int_equal(raw_dispatch(), 0);
	assert_int_equal(msg->hdr.out_len, 8);
	return fx.p->last_len;
}

static void options_have_the_room_that_there_is(void **state)
{
	struct zufs_ioc_mount_options *msg;

	(void)state;
	assert_int_equal(options_room(ZUFS_MO_MAX + 8, 0), ZUFS_MO_MAX);
	assert_int_equal(options_room(ZUFS_MO_MAX + 8, ZUFS_MO_MAX + 1), ZUFS_MO_MAX);
	assert_int_equal(options_room(ZUFS_MO_MAX + 8, 9), 9);
	assert_int_equal(options_room(16, 17), 16);
	assert_int_equal(options_room(16, 0), 16);
	msg = raw_cmd.buf;
	fx.p->use_size_result = true;
	fx.p->size_result = 16;
	assert_int_equal(raw_dispatch(), 0);
	assert_int_equal(msg->hdr.out_len, 16);
	fx.p->size_result = 17;
	assert_int_equal(raw_dispatch(), -EIO);
	fx.p->size_result = 0;
	assert_int_equal(raw_dispatch(), 0);
	assert_int_equal(msg->hdr.out_len, 0);
	fx.p->size_result = -ENOMEM;
	assert_int_equal(raw_dispatch(), -ENOMEM);
}

static void label_is_text_and_zeros(void **state)
{
	struct zufs_ioc_label *msg;
	size_t i;

	(void)state;
	msg = raw_message(sizeof(*msg), ZUFS_OP_GET_LABEL, sizeof(*msg));
	msg->zus_sbi = fake_mount_info(fx.f)->zus_sbi;
	memset(msg->label, 'x', sizeof(msg->label));
	assert_int_equal(raw_dispatch(), 0);
	assert_int_equal(msg->hdr.out_len, sizeof(msg->label));
	assert_memory_equal(msg->label, "ab", 2);
	for (i = 2; i < sizeof(msg->label); i++)
		assert_int_equal(msg->label[i], 0);
	msg->hdr.operation = ZUFS_OP_SET_LABEL;
	memset(msg->label, 'y', sizeof(msg->label));
	assert_int_equal(raw_dispatch(), -EINVAL);
	assert_int_equal(seen.calls, 0);
	msg->label[sizeof(msg->label) - 1] = 0;
	assert_int_equal(raw_dispatch(), 0);
	assert_int_equal(seen.calls, 1);
	assert_memory_equal(seen.label, msg->label, sizeof(seen.label));
	seen.result = -EROFS;
	assert_int_equal(raw_dispatch(), -EROFS);
	msg->hdr.operation = ZUFS_OP_GET_LABEL;
	assert_int_equal(raw_dispatch(), -EROFS);
}

/* ---- xattr ---- */

/* A question for "a" that says `says` bytes are wanted, in a buffer with `room` for them. */
static struct zufs_ioc_xattr *ask(unsigned int operation, size_t room, uint32_t says)
{
	struct zufs_ioc_xattr *msg;
	size_t name = operation == ZUFS_OP_XATTR_GET ? 2 : 0;

	/* the answer is written over the name */
	msg = raw_message(sizeof(*msg) + (room > name ? room : name), operation,
			  sizeof(*msg) + name);
	msg->hdr.out_len = sizeof(msg->user_buf_size);
	msg->zus_ii = fx.f0.ii;
	msg->type = ZUFS_XATTR_USER;
	msg->name_len = (uint16_t)name;
	memcpy(ZUFS_TAIL(msg, buf), "a", name);
	msg->user_buf_size = says;
	return msg;
}

static void xattr_answer_has_the_room_that_there_is(void **state)
{
	struct zufs_ioc_xattr *msg;

	(void)state;
	assert_int_equal(fake_setxattr(fx.t, fx.f0, ZUFS_XATTR_USER, "a", "0123456789", 10, 0), 0);
	msg = ask(ZUFS_OP_XATTR_GET, 10, 10);
	assert_int_equal(raw_dispatch(), 0);
	assert_int_equal(msg->user_buf_size, 10);
	assert_int_equal(msg->hdr.out_len, sizeof(msg->user_buf_size) + 10);
	assert_memory_equal(ZUFS_TAIL(msg, buf), "0123456789", 10);
	/* the caller's buffer is too small, or only the message's */
	ask(ZUFS_OP_XATTR_GET, 10, 9);
	assert_int_equal(raw_dispatch(), -ERANGE);
	ask(ZUFS_OP_XATTR_GET, 9, 10);
	assert_int_equal(raw_dispatch(), -E2BIG);
	/* who only asks gets no bytes */
	msg = ask(ZUFS_OP_XATTR_GET, 10, 0);
	assert_int_equal(raw_dispatch(), 0);
	assert_int_equal(msg->user_buf_size, 10);
	assert_int_equal(msg->hdr.out_len, sizeof(msg->user_buf_size));
}

static void xattr_lengths_that_a_plugin_cannot_mean_are_errors(void **state)
{
	struct zufs_ioc_xattr *msg;

	(void)state;
	fx.p->use_size_result = true;
	fx.p->size_result = 10;
	msg = ask(ZUFS_OP_XATTR_GET, 10, 10);
	assert_int_equal(raw_dispatch(), 0);
	assert_int_equal(msg->user_buf_size, 10);
	ask(ZUFS_OP_XATTR_GET, 12, 9);
	assert_int_equal(raw_dispatch(), -EIO);
	fx.p->size_result = 0;
	msg = ask(ZUFS_OP_XATTR_GET, 10, 10);
	assert_int_equal(raw_dispatch(), 0);
	assert_int_equal(msg->user_buf_size, 0);
	fx.p->size_result = -ENODATA;
	ask(ZUFS_OP_XATTR_GET, 9, 10);
	assert_int_equal(raw_dispatch(), -ENODATA);
}

static void xattr_list_has_no_name(void **state)
{
	struct zufs_ioc_xattr *msg = ask(ZUFS_OP_XATTR_LIST, 7, 7);

	(void)state;
	assert_int_equal(raw_dispatch(), 0);
	assert_int_equal(msg->user_buf_size, 7);
	assert_string_equal(ZUFS_TAIL(msg, buf), "user.a");
	ask(ZUFS_OP_XATTR_LIST, 6, 7);
	assert_int_equal(raw_dispatch(), -E2BIG);
	ask(ZUFS_OP_XATTR_LIST, 0, 0);
	assert_int_equal(raw_dispatch(), 0);
}

/* Name "a" and a value of which the message has `has` bytes and says `says`. */
static int set_xattr(uint16_t has, uint32_t says, uint16_t flags)
{
	struct zufs_ioc_xattr *msg;

	msg = raw_message(sizeof(*msg) + 2 + has, ZUFS_OP_XATTR_SET, sizeof(*msg) + 2 + has);
	msg->zus_ii = fx.f0.ii;
	msg->type = ZUFS_XATTR_USER;
	msg->name_len = 2;
	msg->ioc_flags = flags;
	msg->user_buf_size = says;
	memcpy(ZUFS_TAIL(msg, buf), "a", 2);
	memset((char *)ZUFS_TAIL(msg, buf) + 2, 'v', has);
	return raw_dispatch();
}

static void xattr_value_ends_in_its_message(void **state)
{
	(void)state;
	clear_log();
	assert_int_equal(set_xattr(5, 5, 0), 0);
	assert_int_equal(fx.p->value_len, 5);
	assert_memory_equal(fx.p->value, "vvvvv", 5);
	assert_int_equal(set_xattr(5, 6, 0), -EINVAL);
	assert_int_equal(set_xattr(5, UINT32_MAX, 0), -EINVAL);
	assert_int_equal(set_xattr(0, 0, ZUFS_XATTR_SET_EMPTY), 0);
	assert_int_equal(set_xattr(0, 0, 0), 0);
	assert_string_equal(fx.p->log, "xxX");
	fx.p->result = -EPERM;
	assert_int_equal(set_xattr(1, 1, 0), -EPERM);
	fx.p->result = 0;
}

/* ---- ioctl ---- */

static struct zufs_ioc_ioctl *send_ioctl(uint32_t arg_size, int result)
{
	struct zufs_ioc_ioctl *msg;

	seen.result = result;
	msg = raw_message(sizeof(*msg) + arg_size, ZUFS_OP_IOCTL, sizeof(*msg) + arg_size);
	msg->zus_ii = fx.f0.ii;
	raw_dispatch();
	return msg;
}

static void ioctl_gives_back_no_more_than_it_got(void **state)
{
	const struct zufs_ioc_ioctl *msg;

	(void)state;
	seen.ioctl.out_size = 16;
	msg = send_ioctl(16, 0);
	assert_int_equal(msg->hdr.err, 0);
	assert_int_equal(msg->hdr.out_len, 16);
	assert_int_equal(send_ioctl(15, 0)->hdr.err, -EIO);
	assert_int_equal(send_ioctl(16, -ENOTTY)->hdr.err, -ENOTTY);
}

static void ioctl_asks_again_for_a_reason(void **state)
{
	const uint32_t most = UINT16_MAX - (uint32_t)sizeof(struct zufs_ioc_ioctl);
	const struct zufs_ioc_ioctl *msg;

	(void)state;
	seen.ioctl.uflags = ZUFS_IOC_REALLOC;
	seen.ioctl.want_size = most;
	msg = send_ioctl(8, -EZUFS_RETRY);
	assert_int_equal(msg->hdr.err, -EZUFS_RETRY);
	assert_int_equal(msg->uflags, ZUFS_IOC_REALLOC);
	assert_int_equal(msg->new_size, UINT16_MAX);
	assert_int_equal(msg->hdr.out_len, sizeof(msg->uflags) + sizeof(msg->new_size));
	seen.ioctl.want_size = most + 1;
	assert_int_equal(send_ioctl(8, -EZUFS_RETRY)->hdr.err, -E2BIG);
	seen.ioctl.want_size = 0;
	seen.ioctl.uflags = ZUFS_IOC_FREEZE_REQ;
	msg = send_ioctl(8, -EZUFS_RETRY);
	assert_int_equal(msg->hdr.err, -EZUFS_RETRY);
	assert_int_equal(msg->uflags, ZUFS_IOC_FREEZE_REQ);
	seen.ioctl.uflags = 0;
	assert_int_equal(send_ioctl(8, -EZUFS_RETRY)->hdr.err, -EIO);
}

/* In a buffer with room for `room` numbers and `more` bytes. */
static struct zufs_ioc_ioctls *list_ioctls(int n, size_t room, size_t more)
{
	const size_t start = offsetof(struct zufs_ioc_ioctls, list);
	struct zufs_ioc_ioctls *msg;

	seen.result = n;
	msg = raw_message(start + room * sizeof(msg->list[0]) + more, ZUFS_OP_IOCTLS,
			  offsetof(struct zufs_ioc_ioctls, nr));
	msg->zus_sbi = fake_mount_info(fx.f)->zus_sbi;
	raw_dispatch();
	return msg;
}

static void ioctl_numbers_have_the_room_that_there_is(void **state)
{
	const size_t size = sizeof(struct zufs_ioctl_info);
	const struct zufs_ioc_ioctls *msg;

	(void)state;
	msg = list_ioctls(2, 2, 0);
	assert_int_equal(msg->hdr.err, 0);
	assert_int_equal(msg->nr, 2);
	assert_int_equal(msg->hdr.out_len, 8 + 2 * size);
	assert_int_equal(msg->list[0].cmd, 7);
	assert_int_equal(list_ioctls(2, 1, size - 1)->hdr.err, -E2BIG);
	assert_int_equal(list_ioctls(ZUFS_IOCTLS_MAX, ZUFS_IOCTLS_MAX, 0)->hdr.err, 0);
	assert_int_equal(list_ioctls(ZUFS_IOCTLS_MAX + 1, ZUFS_IOCTLS_MAX + 1, 0)->hdr.err,
			 -E2BIG);
	msg = list_ioctls(0, 0, 0);
	assert_int_equal(msg->hdr.err, 0);
	assert_int_equal(msg->hdr.out_len, 8);
	assert_int_equal(list_ioctls(-ENOMEM, 1, 0)->hdr.err, -ENOMEM);
}

#define A(fn)	cmocka_unit_test_setup_teardown(fn, setup_seen, raw_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		A(statfs_begins_with_zeros),
		A(options_have_the_room_that_there_is),
		A(label_is_text_and_zeros),
		A(xattr_answer_has_the_room_that_there_is),
		A(xattr_lengths_that_a_plugin_cannot_mean_are_errors),
		A(xattr_list_has_no_name),
		A(xattr_value_ends_in_its_message),
		A(ioctl_gives_back_no_more_than_it_got),
		A(ioctl_asks_again_for_a_reason),
		A(ioctl_numbers_have_the_room_that_there_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
