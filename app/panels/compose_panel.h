#pragma once
// Where a person says what to make: prompt, the parameters of the one table, the plan, and
// Generate, which stays in sight. Everything it changes goes to the document.

#include "core/engine/engine.h"
#include "core/library/companion_info.h"

#include <QWidget>

#include <functional>

class QLabel;
class QPushButton;
class QVBoxLayout;

namespace kinora::app {

class ChoiceBox;
class ComposeSection;
class FoldSection;
class GrowingTextEdit;
class GuidePictures;
class NoticeBar;
class ParameterField;
class ParameterLabel;
class PromptField;
class RequestDocument;
class SeedField;
class Theme;

class ComposePanel : public QWidget {
    Q_OBJECT
  public:
    ComposePanel(const Theme& theme, RequestDocument& document, GuidePictures& pictures,
                 QWidget* parent = nullptr);

    void showPlan(const Result<pipelines::Plan>& plan);
    // Work runs: Generate adds to the queue.
    void setBusy(bool busy);
    void setLastSeed(int64_t seed);
    // Takes over what is typed but not yet entered. False where a field holds something wrong.
    bool commitEdits();
    void focusPrompt();
    QWidget* lastInTabOrder() const;
    NoticeBar* notice() const { return m_notice; }
    ParameterField* field(const std::string& name) const; // nullptr: has no row of its own
    const std::vector<ComposeSection*>& sections() const { return m_sections; }
    ComposeSection* sectionOf(std::string_view parameter) const; // nullptr: it is in none
    // Takes a file in that belongs beside a model; false: it has no place here.
    bool useFile(const core::CompanionInfo& file);
    // Gives it to a file of this parameter's that looks at pictures ("control", "ipAdapter"); says
    // in the panel where there is none.
    void usePicture(std::string_view parameter, const std::filesystem::path& file);

  signals:
    void generateWanted();
    void modelsFolderWanted();
    void modelFolderAdditionWanted(); // a folder of models that lies elsewhere
    void otherFileWanted();           // a file beside the model that is not in the lists

  private:
    QWidget* makeContent();
    QWidget* makeFooter();
    QWidget* makePromptGroup();
    QWidget* makeModelRow();
    QWidget* makeMore();
    void addSections(QVBoxLayout& layout);
    void showProblemAtItsSection(const QString& sentence);
    void refresh();
    void refreshModels();
    void chooseModel(int index);

    const Theme& m_theme;
    RequestDocument& m_document;
    NoticeBar* m_notice;
    PromptField* m_prompt;
    FoldSection* m_negativeFold;
    GrowingTextEdit* m_negative;
    ParameterLabel* m_modelLabel;
    ChoiceBox* m_model;
    NoticeBar* m_modelNotice;
    SeedField* m_seed;
    GuidePictures& m_pictures;
    std::vector<ComposeSection*> m_sections;
    FoldSection* m_more;
    std::vector<ParameterField*> m_fields;
    QLabel* m_plan;
    QPushButton* m_generate;
    bool m_busy = false;
};

// "CPU, bf16 · about 1.8 s · 0.4 GB", or why it does not fit and what would.
QString planSentence(const pipelines::Plan& plan);

} // namespace kinora::app
