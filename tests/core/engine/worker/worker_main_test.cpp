// One worker process, whose studio is this test: who may come, what may be said, when it leaves.
#include "core/engine/worker/messages.h"
#include "core/engine/worker/private_socket.h"
#include "core/engine/worker/worker_connection.h"
#include "core/engine/worker/worker_process.h"
#include "tests/core/engine/worker/worker_fixture.h"

#include <QElapsedTimer>

#include <grpcpp/channel.h>
#include <grpcpp/create_channel_posix.h>
#include <poll.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace kinora;
using namespace kinora::core;

namespace {

// Connects and waits for the end that a stranger is met with. In a child of fork: system calls
// only.
int comeAsAStranger(const char* path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    ::strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    const int connection = ::socket(AF_UNIX, SOCK_STREAM, 0);
    if (::connect(connection, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return 2;
    pollfd answer{connection, POLLIN, 0};
    if (::poll(&answer, 1, 5000) != 1) return 3;
    char byte = 0;
    return ::read(connection, &byte, 1) <= 0 ? 0 : 4; // closed, and not a byte was said
}

} // namespace

class WorkerMainTest : public QObject {
    Q_OBJECT

  private slots:
    void initTestCase() { m_options = m_fixture.options(1); }

    void init() {
        m_segment.emplace(*SharedSegment::create());
        m_socket = m_fixture.folder() / ("s" + std::to_string(++m_number));
        auto started =
            WorkerProcess::start(m_options.program,
                                 {"worker", "--socket", m_socket.string(), "--memory", "3",
                                  "--lifeline", "4", "--studio", std::to_string(::getpid()),
                                  "--threads", "1", "--data", m_fixture.folder().string()},
                                 *m_segment);
        QVERIFY(started.ok());
        m_process = *std::move(started);
        QVERIFY(m_process->waitUntilReady(60));
    }

    void cleanup() {
        m_process.reset();
        QVERIFY(!std::filesystem::exists(m_socket));
    }

    void turnsAStrangerAwayAndServesItsStudio() {
        const std::string path = m_socket.string();
        const pid_t stranger = ::fork();
        if (stranger == 0) ::_exit(comeAsAStranger(path.c_str()));
        int status = 0;
        QVERIFY(::waitpid(stranger, &status, 0) == stranger);
        QCOMPARE(WEXITSTATUS(status), 0);
        const auto connection = open(m_options.engineVersion);
        QVERIFY2(connection.ok(), connection ? "" : connection.error().what());
        QVERIFY((*connection)->plan(requestText(WorkerFixture::redApple())).ok());
        QVERIFY(!std::filesystem::exists(m_socket)); // nobody can come any more
        QCOMPARE(leave(), std::string("ended with code 0"));
    }

    void refusesAStudioOfAnotherVersion() {
        const auto connection = open("kinora of another day");
        QVERIFY(!connection);
        QCOMPARE(connection.error().code(), ErrorCode::Unsupported);
        QVERIFY(connection.error().message().find(m_options.engineVersion) != std::string::npos);
    }

    void computesNothingBeforeAGreeting() {
        Result<Descriptor> connected = connectPrivately(m_socket, m_process->pid());
        QVERIFY(connected.ok());
        const auto stub = wire::Worker::NewStub(
            grpc::CreateInsecureChannelFromFd("worker", connected->release()));
        grpc::ClientContext context;
        wire::RunRequest request;
        request.set_job(1);
        request.set_request("{}");
        const auto reader = stub->Run(&context, request);
        wire::Event event;
        QVERIFY(!reader->Read(&event));
        QCOMPARE(reader->Finish().error_code(), grpc::StatusCode::FAILED_PRECONDITION);

        grpc::ClientContext again;
        wire::Greeting greeting, reply;
        greeting.set_protocol(kWorkerProtocol + 1);
        greeting.set_engine_version(m_options.engineVersion);
        QCOMPARE(stub->Greet(&again, greeting, &reply).error_code(),
                 grpc::StatusCode::FAILED_PRECONDITION);
    }

    void answersABadRequestWithAnError() {
        const auto connection = open(m_options.engineVersion);
        QVERIFY(connection.ok());
        Job job;
        for (const char* request : {"", "{", "[1]", "{\"steps\": 1e9}"}) {
            Job refused;
            QVERIFY((*connection)->run({1, request, {}}, *m_segment, refused.sink()));
            QCOMPARE(refused.count<FailedEvent>(), 1);
        }
        QVERIFY(
            (*connection)
                ->run({2, requestText(WorkerFixture::redApple(1)), {}}, *m_segment, job.sink()));
        QCOMPARE(job.count<PictureEvent>(), 1);
    }

    void outlivesJunkAndLeavesWithItsStudio() {
        const Result<Descriptor> connected = connectPrivately(m_socket, m_process->pid());
        QVERIFY(connected.ok());
        const std::string junk(100'000, '\xa5');
        (void)::send(connected->get(), junk.data(), junk.size(), MSG_NOSIGNAL);
        QTest::qWait(300);
        QVERIFY(!m_process->waitForEnd(0));
        QCOMPARE(leave(), std::string("ended with code 0"));
    }

    void leavesWhereItsStudioNeverCame() { QCOMPARE(leave(), std::string("ended with code 0")); }

    // As where it reads from a disk that does not answer. Here another process traces it, and does
    // not let its parent hear of its end.
    void isGivenUpWhereItDoesNotEvenDie() {
        int tell[2];
        QVERIFY(::pipe(tell) == 0);
        const pid_t tracer = ::fork();
        if (tracer == 0) {
            const char traces = ::ptrace(PTRACE_SEIZE, m_process->pid(), nullptr, nullptr) == 0;
            (void)!::write(tell[1], &traces, 1);
            while (true) ::pause();
        }
        char traces = 0;
        QVERIFY(::read(tell[0], &traces, 1) == 1);
        ::close(tell[0]);
        ::close(tell[1]);
        std::string how;
        QElapsedTimer timer;
        timer.start();
        if (traces) how = m_process->howItEnded(0.1);
        const qint64 waited = timer.elapsed();
        ::kill(tracer, SIGKILL);
        QVERIFY(::waitpid(tracer, nullptr, 0) == tracer);
        if (!traces) QSKIP("This machine does not let one process trace another.");
        QCOMPARE(how, std::string("does not end, though it was killed (signal 9)"));
        QVERIFY(waited < 10'000);
        QCOMPARE(m_process->howItEnded(5), std::string("was killed (signal 9)"));
        std::error_code ignored;
        std::filesystem::remove(m_socket, ignored); // it had no time for that
    }

    void isNotForPeople() {
        for (const char* arguments :
             {"worker", "worker --socket /tmp/x --memory 9 --lifeline 9 --studio 1"}) {
            const WorkerFixture::Answer answer = WorkerFixture::run(arguments);
            QCOMPARE(answer.exitCode, 2);
            QVERIFY(answer.text.find("Kinora") != std::string::npos);
        }
    }

  private:
    Result<std::unique_ptr<WorkerConnection>> open(const std::string& version) {
        return WorkerConnection::open(m_socket, m_process->pid(), version);
    }
    std::string leave() {
        m_process->letGo();
        return m_process->howItEnded(30);
    }

    WorkerFixture m_fixture;
    WorkerEngineOptions m_options;
    std::optional<SharedSegment> m_segment;
    std::filesystem::path m_socket;
    std::unique_ptr<WorkerProcess> m_process;
    int m_number = 0;
};

QTEST_GUILESS_MAIN(WorkerMainTest)
#include "worker_main_test.moc"
