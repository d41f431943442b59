/* Max pooling, batch normalisation and ReLU of a training as one operation on the CPU.
 *
 * On a processor that multiplies fast, a small network spends as long between its convolutions as in
 * them, and all of that is memory: each of torch's operations reads its input and writes its output.
 * Here what is normalised is read twice and written once, and backward two pictures are read twice and
 * one is written. Pictures are channels_last: (clips, rows, frames, channels) as they are stored.
 *
 * The module is optional: without it _normalisation.py does the same with torch's operations.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* What comes in has rows x frames, what goes out rows_out x frames_out: half of them, rounded up,
 * if it is pooled. Each window of frames_out / windows frames is real or padding as a whole. */
typedef struct {
    int is_pooled;
    Py_ssize_t clips, rows, frames, rows_out, frames_out, channels, windows;
    Py_ssize_t tile; /* numbers of a row that are worked on at once, whole frames of them */
} shape;

/* Arrays of a number for each channel. Going forward, mean and variance are written; backward, the
 * gradients are. */
typedef struct {
    const float *weight, *bias;
    float epsilon;
    float *mean, *variance, *weight_gradient, *bias_gradient;
} layer;

/* A number for each of a tile, and two sums for each channel. */
typedef struct {
    float *mean, *scale, *bias, *slope, *offset, *sum[2];
    double *total[2];
    int n_rows; /* in sum and not in total */
} work;

/* Numbers of a row, a tile at most, that are all real or all padding. */
typedef struct {
    Py_ssize_t start, length;
    int is_real;
} run;

/* Over so many rows sums are kept in float, one for each number of a tile, before they are added to
 * the totals of the channels: some hundred additions each, unless there are hundreds of channels. */
enum { ROWS_IN_FLOAT = 16 };

/* Tiles are about so large: what belongs to them stays in the fastest cache. */
enum { TILE = 512 };

static Py_ssize_t corner(const shape *s, Py_ssize_t row_out, Py_ssize_t frame_out, int k)
{
    Py_ssize_t clip = row_out / s->rows_out, row = 2 * (row_out % s->rows_out) + k / 2;
    Py_ssize_t frame = 2 * frame_out + k % 2;
    if (row >= s->rows || frame >= s->frames)
        return -1;
    return ((clip * s->rows + row) * s->frames + frame) * s->channels;
}

static run run_from(const shape *s, const char *is_real, Py_ssize_t row, Py_ssize_t start)
{
    const char *of_clip = is_real + row / s->rows_out * s->windows;
    Py_ssize_t size = s->frames_out / s->windows * s->channels, window = start / size;
    run r = {start, 0, 0};
    if (window == s->windows)
        return r;
    r.is_real = of_clip[window] != 0;
    while (window < s->windows && r.length < s->tile && (of_clip[window] != 0) == r.is_real)
        r.length = ++window * size - start;
    if (r.length > s->tile)
        r.length = s->tile;
    return r;
}

static run first_run(const shape *s, const char *is_real, Py_ssize_t row)
{
    return run_from(s, is_real, row, 0);
}

static run next_run(const shape *s, const char *is_real, Py_ssize_t row, run r)
{
    return run_from(s, is_real, row, r.start + r.length);
}

/* Once in some rows, add the sums of a tile's numbers to the totals of the channels. */
static void gather(const shape *s, work *w, int is_last)
{
    if (++w->n_rows < ROWS_IN_FLOAT && !is_last)
        return;
    for (int k = 0; k < 2; k++) {
        for (Py_ssize_t start = 0; start < s->tile; start += s->channels)
            for (Py_ssize_t c = 0; c < s->channels; c++)
                w->total[k][c] += w->sum[k][start + c];
        memset(w->sum[k], 0, s->tile * sizeof(float));
    }
    w->n_rows = 0;
}

static double count(const shape *s)
{
    return (double)s->clips * s->rows_out * s->frames_out;
}

/* Write what belongs to a channel once for each number of a tile. */
static void spread(const shape *s, float *tile)
{
    for (Py_ssize_t start = s->channels; start < s->tile; start += s->channels)
        memcpy(tile + start, tile, s->channels * sizeof(float));
}

/* y = weight * (x - mean) / sqrt(variance + epsilon) + bias = scale * (x - mean) + bias */
static void set_scale(const shape *s, const layer *l, work *w)
{
    for (Py_ssize_t c = 0; c < s->channels; c++) {
        w->mean[c] = l->mean[c];
        w->scale[c] = l->weight[c] / sqrtf(l->variance[c] + l->epsilon);
        w->bias[c] = l->bias[c];
    }
    spread(s, w->mean);
    spread(s, w->scale);
    spread(s, w->bias);
}

static void set_statistics(const shape *s, const layer *l, work *w)
{
    for (Py_ssize_t c = 0; c < s->channels; c++) {
        double excess = w->total[0][c] / count(s);
        double variance = w->total[1][c] / count(s) - excess * excess;
        l->mean[c] = (float)(w->mean[c] + excess);
        l->variance[c] = variance < 0 ? 0 : (float)variance; /* NaN stays */
    }
    set_scale(s, l, w);
}

/* With g the gradient where y is not zero, m(.) the mean over a channel and z = (x - mean) / deviation,
 * the gradient of x is scale * (g - m(g) - z * m(g * z)) = scale * g + slope * (x - mean) + offset. */
static void set_gradients(const shape *s, const layer *l, work *w)
{
    for (Py_ssize_t c = 0; c < s->channels; c++) {
        double deviation = sqrt((double)l->variance[c] + l->epsilon);
        double sum = w->total[0][c];
        double product = w->total[1][c] / deviation;
        l->weight_gradient[c] = (float)product;
        l->bias_gradient[c] = (float)sum;
        w->slope[c] = (float)(-w->scale[c] * product / deviation / count(s));
        w->offset[c] = (float)(-w->scale[c] * sum / count(s));
    }
    spread(s, w->slope);
    spread(s, w->offset);
}

/* bfloat16 is the upper half of a float; the nearest one is taken, of two as near the even one. */
static inline float from_bfloat16(uint16_t x)
{
    union {
        uint32_t bits;
        float value;
    } u = {(uint32_t)x << 16};
    return u.value;
}

static inline uint16_t to_bfloat16(float x)
{
    union {
        float value;
        uint32_t bits;
    } u = {x};
    uint32_t rounded = u.bits + 0x7fff + ((u.bits >> 16) & 1);
    return (uint16_t)((x != x ? 0x7fc00000 : rounded) >> 16);
}

#define NAME(name) JOIN(name##_, JOIN(TYPE, JOIN(_, LANES)))
#define LOOPS "_norm_types.h"
#include "_processors.h"

/* What a call is about; numbers are float or bfloat16. */
typedef struct {
    int lanes, is_bfloat16, is_forward;
    shape s;
    layer l;
    const char *is_real;
    void *in, *kept, *place, *out; /* in: x going forward, the gradient of y going backward */
} job;

#define RUN(type, lanes)                                                                           \
    if (j->is_forward)                                                                             \
        forward_##type##_##lanes(&j->s, &j->l, j->is_real, j->in, j->kept, j->place, j->out, w);   \
    else                                                                                           \
        backward_##type##_##lanes(&j->s, &j->l, j->is_real, j->in, j->kept, j->place, j->out,      \
                               one_row, w)
#define RUN_ON(lanes)                                                                              \
    do {                                                                                           \
        if (j->is_bfloat16) {                                                                      \
            RUN(bfloat16, lanes);                                                                  \
        } else {                                                                                   \
            RUN(float32, lanes);                                                                   \
        }                                                                                          \
    } while (0)

/* Return 0, or -1 if there is no memory. */
static int run_job(const job *j)
{
    Py_ssize_t row = j->s.frames_out * j->s.channels, channels = j->s.channels;
    Py_ssize_t tile = j->s.tile;
    float *floats = calloc(7 * tile + row, sizeof(float));
    double *doubles = calloc(2 * channels, sizeof(double));
    int status = -1;
    if (floats && doubles) {
        work own = {floats,
                    floats + tile,
                    floats + 2 * tile,
                    floats + 3 * tile,
                    floats + 4 * tile,
                    {floats + 5 * tile, floats + 6 * tile},
                    {doubles, doubles + channels},
                    0};
        work *w = &own;
        void *one_row = floats + 7 * tile;
#ifdef __x86_64__
        if (j->lanes == 16)
            RUN_ON(16);
        else if (j->lanes == 8)
            RUN_ON(8);
        else
#endif
            RUN_ON(4);
        status = 0;
    }
    free(floats);
    free(doubles);
    return status;
}

/* Fill in what follows from the sizes, and say what a wrong caller got wrong: nothing outside of the
 * arrays is read or written. `moments` are mean and variance, `gradients` those of the parameters. */
static const char *fault_of(job *j, const Py_buffer *in, const Py_buffer *is_real,
                            const Py_buffer *parameters, const Py_buffer *moments,
                            const Py_buffer *kept, const Py_buffer *place, const Py_buffer *out,
                            const Py_buffer *gradients)
{
    shape *s = &j->s;
    Py_ssize_t item = j->is_bfloat16 ? 2 : 4, size_in, size_out, unused;
    if (j->lanes != 4 && j->lanes != 8 && j->lanes != 16)
        return "lanes must be 4, 8 or 16";
    if (j->lanes > best_lanes())
        return "this processor has fewer lanes";
    if (s->clips < 1 || s->rows < 1 || s->frames < 1 || s->channels < 1 || s->windows < 1)
        return "clips, rows, frames, channels and windows must be positive";
    s->rows_out = s->is_pooled ? s->rows / 2 + s->rows % 2 : s->rows;
    s->frames_out = s->is_pooled ? s->frames / 2 + s->frames % 2 : s->frames;
    if (s->frames_out % s->windows)
        return "windows must divide the frames of the output";
    s->tile = s->channels < TILE ? TILE / s->channels * s->channels : s->channels;
    if (__builtin_mul_overflow(s->clips, s->rows, &size_in) ||
        __builtin_mul_overflow(size_in, s->frames, &size_in) ||
        __builtin_mul_overflow(size_in, s->channels, &size_in) ||
        __builtin_mul_overflow(size_in, 32, &unused)) /* with room for tiles */
        return "the picture must fit into memory";
    size_in *= item;
    size_out = s->clips * s->rows_out * s->frames_out * s->channels * item;
    if (is_real->len != s->clips * s->windows)
        return "is_real must have a byte for each window";
    for (int k = 0; k < 2; k++)
        if (parameters[k].len != 4 * s->channels || moments[k].len != 4 * s->channels ||
            (gradients && gradients[k].len != 4 * s->channels))
            return "parameters, statistics and their gradients must be floats for each channel";
    if (place->len != (s->is_pooled ? size_out : 0))
        return "place must have the size of the output if that is pooled, or else none";
    if (j->is_forward && (in->len != size_in || out->len != size_out ||
                          kept->len != (s->is_pooled ? size_out : 0)))
        return "x, kept and y must have the sizes of the input, the output if pooled, and the output";
    if (!j->is_forward && (in->len != size_out || kept->len != size_out || out->len != size_in))
        return "gradient, kept and out must have the sizes of the output, twice, and the input";
    j->in = in->buf;
    j->is_real = is_real->buf;
    j->kept = kept->buf;
    j->place = place->buf;
    j->out = out->buf;
    j->l.weight = parameters[0].buf;
    j->l.bias = parameters[1].buf;
    j->l.mean = moments[0].buf;
    j->l.variance = moments[1].buf;
    if (gradients) {
        j->l.weight_gradient = gradients[0].buf;
        j->l.bias_gradient = gradients[1].buf;
    }
    return NULL;
}

static PyObject *finish(const job *j, const char *fault, Py_buffer *buffers, int n_buffers)
{
    int status = 0;
    if (!fault) {
        Py_BEGIN_ALLOW_THREADS
        status = run_job(j);
        Py_END_ALLOW_THREADS
    }
    for (int i = 0; i < n_buffers; i++)
        PyBuffer_Release(buffers + i);
    if (fault) {
        PyErr_SetString(PyExc_ValueError, fault);
        return NULL;
    }
    if (status)
        return PyErr_NoMemory();
    Py_RETURN_NONE;
}

PyDoc_STRVAR(forward_doc,
             "forward(lanes, is_bfloat16, is_pooled, clips, rows, frames, channels, windows,\n"
             "        epsilon, x, is_real, weight, bias, kept, place, y, mean, variance)\n--\n\n"
             "Pool x if `is_pooled`, normalise and rectify it into `y`, without the GIL.\n\n"
             "Arrays are contiguous and aligned. `x`, `kept`, `place` and `y` are of bfloat16 or\n"
             "float32; `kept` and `place`, for the way back, are empty if nothing is pooled. `is_real` is of bytes, one for each window of a clip's frames; the others are\n"
             "of float32, one for each channel. ValueError if their sizes do not fit together.");

static PyObject *py_forward(PyObject *module, PyObject *args)
{
    (void)module;
    job j = {.is_forward = 1};
    shape *s = &j.s;
    Py_buffer b[9]; /* x, is_real, weight, bias, kept, place, y, mean, variance */
    if (!PyArg_ParseTuple(args, "ippnnnnnfy*y*y*y*w*w*w*w*w*", &j.lanes, &j.is_bfloat16,
                          &s->is_pooled, &s->clips, &s->rows, &s->frames, &s->channels,
                          &s->windows, &j.l.epsilon, b, b + 1, b + 2, b + 3, b + 4, b + 5, b + 6,
                          b + 7, b + 8))
        return NULL;
    const char *fault = fault_of(&j, b, b + 1, b + 2, b + 7, b + 4, b + 5, b + 6, NULL);
    return finish(&j, fault, b, 9);
}

PyDoc_STRVAR(backward_doc,
             "backward(lanes, is_bfloat16, is_pooled, clips, rows, frames, channels, windows,\n"
             "         epsilon, gradient, is_real, weight, bias, mean, variance, kept, place, out,\n"
             "         weight_gradient, bias_gradient)\n--\n\n"
             "Write the gradients of what `forward` was given, without the GIL.\n\n"
             "`gradient` is that of its `y`, `mean`, `variance` and `place` are what it has written,\n"
             "and `kept` is that too, or x if nothing is pooled.");

static PyObject *py_backward(PyObject *module, PyObject *args)
{
    (void)module;
    job j = {.is_forward = 0};
    shape *s = &j.s;
    /* gradient, is_real, weight, bias, mean, variance, kept, place, out, and two gradients */
    Py_buffer b[11];
    if (!PyArg_ParseTuple(args, "ippnnnnnfy*y*y*y*y*y*y*y*w*w*w*", &j.lanes, &j.is_bfloat16,
                          &s->is_pooled, &s->clips, &s->rows, &s->frames, &s->channels,
                          &s->windows, &j.l.epsilon, b, b + 1, b + 2, b + 3, b + 4, b + 5, b + 6,
                          b + 7, b + 8, b + 9, b + 10))
        return NULL;
    const char *fault = fault_of(&j, b, b + 1, b + 2, b + 4, b + 6, b + 7, b + 8, b + 9);
    return finish(&j, fault, b, 11);
}

static PyMethodDef methods[] = {{"forward", py_forward, METH_VARARGS, forward_doc},
                                {"backward", py_backward, METH_VARARGS, backward_doc},
                                {NULL, NULL, 0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "ser_estimators._norm_kernel",
    "Batch normalisation with what surrounds it; LANES is how many floats this processor takes.",
    -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__norm_kernel(void)
{
    PyObject *module = PyModule_Create(&definition);
    if (module && PyModule_AddIntConstant(module, "LANES", best_lanes()) < 0)
        Py_CLEAR(module);
    return module;
}
