// SPDX-License-Identifier: BSD-2-Clause
/*
 * The label of memofs: it lies behind the device table and is durable when its change is
 * answered; its last byte is no text.
 */
#include "fixture.h"

#include <errno.h>

static int set_label(struct fixture *fx, const char *text, size_t len)
{
	struct zufs_ioc_label *msg = fake_msg(fx->t, ZUFS_OP_SET_LABEL, sizeof(*msg));

	msg->zus_sbi = fake_mount_info(fx->f)->zus_sbi;
	memcpy(msg->label, text, len);
	return fake_send(fx->t);
}

static void want_label(struct fixture *fx, const char *text)
{
	struct zufs_ioc_label *msg = fake_msg(fx->t, ZUFS_OP_GET_LABEL, sizeof(*msg));
	size_t i;

	msg->zus_sbi = fake_mount_info(fx->f)->zus_sbi;
	memset(msg->label, 'x', sizeof(msg->label));
	assert_int_equal(fake_send(fx->t), 0);
	assert_string_equal(msg->label, text);
	assert_int_equal(msg->hdr.out_len, sizeof(msg->label));
	for (i = strlen(text); i < sizeof(msg->label); i++)
		assert_int_equal(msg->label[i], 0);
}

static void label_is_durable_when_it_is_set(void **state)
{
	struct fixture *fx = *state;
	const uint8_t *block = zus_t1_addr(fake_md(fx->f), 0);

	assert_int_equal(fake_persist_watch(fx->f), 0);
	want_label(fx, "");
	assert_int_equal(set_label(fx, "one", 3), 0);
	assert_true(fake_is_durable(fx->f, block, BLOCK));
	want_label(fx, "one");
	assert_int_equal(set_label(fx, "a longer one", 12), 0);
	assert_true(fake_is_durable(fx->f, block, BLOCK));
	want_label(fx, "a longer one");
	assert_int_equal(set_label(fx, "", 0), 0);
	assert_true(fake_is_durable(fx->f, block, BLOCK));
	want_label(fx, "");
}

static void label_without_an_end_is_refused(void **state)
{
	struct fixture *fx = *state;
	char text[ZUFS_LABEL_SIZE];

	memset(text, 'l', sizeof(text));
	assert_int_equal(set_label(fx, text, sizeof(text)), -EINVAL);
	want_label(fx, "");
	text[sizeof(text) - 1] = 0;
	assert_int_equal(set_label(fx, text, sizeof(text)), 0);
	want_label(fx, text);
	/* nor is it told, whoever has written it */
	*((char *)zus_t1_addr(fake_md(fx->f), 0) + MDT_LABEL_OFFSET + MDT_LABEL_SIZE - 1) = 'x';
	want_label(fx, text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(label_is_durable_when_it_is_set, setup, teardown),
		cmocka_unit_test_setup_teardown(label_without_an_end_is_refused, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
