#pragma once
// A list of the installed files of some kinds: those that go with the chosen model, then, greyed
// and with the reason, those that do not. A long one is searched as one types, by the files' names,
// titles and trigger words.

#include "app/widgets/calm_inputs.h"
#include "core/library/companion_files.h"

#include <string>
#include <vector>

namespace kinora::app {

class RequestDocument;
class SearchPopup;

class CompanionBox : public ChoiceBox {
    Q_OBJECT
  public:
    using Kinds = std::vector<core::CompanionKind>;
    CompanionBox(const Theme& theme, const RequestDocument& document, Kinds kinds,
                 QWidget* parent = nullptr);

    // A list that adds: it always reads "Add a LoRA", ends with "Other file", and says nothing of
    // what is chosen.
    void makeAdder(const QString& text);
    // A list whose first entry is no file; picking it names "".
    void makeOptional(const QString& none);
    // What a request names; it is shown also where no such file is here.
    void setCurrent(core::CompanionKind kind, const std::string& name);
    // Why the one that is shown does not go with the model; empty where it does.
    QString problem() const;
    void showPopup() override;
    SearchPopup* searchPopup() const { return m_search; } // nullptr: it never opened

  signals:
    void picked(kinora::core::CompanionKind kind, const std::string& name);
    void otherFileWanted();

  protected:
    void keyPressEvent(QKeyEvent* event) override;
    void wheelEvent(QWheelEvent* event) override;

  private:
    void fill();
    void openSearch(const QString& typed);
    void showCurrent();
    void choose(int index);
    bool has(core::CompanionKind kind) const;

    const Theme& m_theme;
    const RequestDocument& m_document;
    SearchPopup* m_search = nullptr;
    Kinds m_kinds;
    bool m_adds = false;
    QString m_none; // empty: there is always one
    core::CompanionKind m_kind = core::CompanionKind::Lora;
    std::string m_name;
    std::string m_filledFor; // the model's family
};

} // namespace kinora::app
