"""CRC-32 as in zlib, for compiled code: call `prepare_crc32` once before `crc_of`.

By tables, sixteen bytes at a time (M. E. Kounavis and F. L. Berry, 2005: slicing). Where the processor
multiplies without carries, 64 bytes at a time are folded onto the next 64 (V. Gopal et al., 2009: "Fast
CRC Computation Using PCLMULQDQ"): a block is multiplied by x to its distance, modulo the polynomial. What
is left of it, 16 bytes, goes through the tables as any others.
"""

from libc.stdint cimport uint32_t

cdef extern from *:
    """
    #include <stdint.h>
    #include <string.h>

    static uint32_t crc_table[16][256];

    static uint32_t crc_times_x(uint32_t value) {
        return (value >> 1) ^ (0xEDB88320u & (0u - (value & 1)));
    }

    static uint32_t crc_of_four(uint32_t word, int last) {
        return crc_table[last + 3][word & 255] ^ crc_table[last + 2][word >> 8 & 255]
            ^ crc_table[last + 1][word >> 16 & 255] ^ crc_table[last][word >> 24];
    }

    static uint32_t crc_by_tables(const unsigned char *data, size_t count, uint32_t crc) {
        uint32_t words[4];
        for (; count >= 16; data += 16, count -= 16) {
            memcpy(words, data, 16);
            crc = crc_of_four(words[0] ^ crc, 12) ^ crc_of_four(words[1], 8)
                ^ crc_of_four(words[2], 4) ^ crc_of_four(words[3], 0);
        }
        for (; count; data++, count--) {
            crc = crc_table[0][(crc ^ *data) & 255] ^ (crc >> 8);
        }
        return crc;
    }

    #if defined(__x86_64__) && defined(__GNUC__)
    #include <immintrin.h>

    #define CRC_FOLDED __attribute__((target("pclmul,sse4.1")))
    static int crc_can_fold;
    static uint64_t crc_by_64[2], crc_by_16[2];  /* what moves a block by as many bytes */

    static uint64_t crc_power_of_x(int exponent) {
        uint32_t value = 0x80000000u;
        while (exponent--) {
            value = crc_times_x(value);
        }
        return (uint64_t)value << 1;
    }

    CRC_FOLDED static inline __m128i crc_moved(__m128i block, __m128i distance, __m128i onto) {
        __m128i low = _mm_clmulepi64_si128(block, distance, 0x00);
        __m128i high = _mm_clmulepi64_si128(block, distance, 0x11);
        return _mm_xor_si128(_mm_xor_si128(low, high), onto);
    }

    /* 64 bytes at least; what is left is less than 16. */
    CRC_FOLDED static uint32_t crc_folded(const unsigned char **text, size_t *left, uint32_t crc) {
        const __m128i *data = (const __m128i *)*text;
        const __m128i by_64 = _mm_loadu_si128((const __m128i *)crc_by_64);
        const __m128i by_16 = _mm_loadu_si128((const __m128i *)crc_by_16);
        unsigned char rest[16];
        size_t count = *left - 64;
        __m128i block[4];
        for (int each = 0; each < 4; each++) {
            block[each] = _mm_loadu_si128(data++);
        }
        block[0] = _mm_xor_si128(block[0], _mm_cvtsi32_si128((int)crc));
        for (; count >= 64; count -= 64) {
            for (int each = 0; each < 4; each++) {
                block[each] = crc_moved(block[each], by_64, _mm_loadu_si128(data++));
            }
        }
        for (int each = 1; each < 4; each++) {
            block[each] = crc_moved(block[each - 1], by_16, block[each]);
        }
        for (; count >= 16; count -= 16) {
            block[3] = crc_moved(block[3], by_16, _mm_loadu_si128(data++));
        }
        _mm_storeu_si128((__m128i *)rest, block[3]);
        *text = (const unsigned char *)data;
        *left = count;
        return crc_by_tables(rest, 16, 0);
    }
    #endif

    static void prepare_crc32(void) {
        for (int byte = 0; byte < 256; byte++) {
            uint32_t crc = (uint32_t)byte;
            for (int bit = 0; bit < 8; bit++) {
                crc = crc_times_x(crc);
            }
            crc_table[0][byte] = crc;
        }
        for (int slice = 1; slice < 16; slice++) {
            for (int byte = 0; byte < 256; byte++) {
                uint32_t crc = crc_table[slice - 1][byte];
                crc_table[slice][byte] = crc_table[0][crc & 255] ^ (crc >> 8);
            }
        }
    #if defined(__x86_64__) && defined(__GNUC__)
        crc_by_64[0] = crc_power_of_x(512 + 32);
        crc_by_64[1] = crc_power_of_x(512 - 32);
        crc_by_16[0] = crc_power_of_x(128 + 32);
        crc_by_16[1] = crc_power_of_x(128 - 32);
        crc_can_fold = __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
    #endif
    }

    static uint32_t crc_of(const void *text, size_t count, uint32_t seed) {
        const unsigned char *data = (const unsigned char *)text;
        uint32_t crc = ~seed;
    #if defined(__x86_64__) && defined(__GNUC__)
        if (count >= 64 && crc_can_fold) {
            crc = crc_folded(&data, &count, crc);
        }
    #endif
        return ~crc_by_tables(data, count, crc);
    }
    """
    void prepare_crc32() noexcept nogil
    uint32_t crc_of(const void *text, size_t count, uint32_t seed) noexcept nogil
